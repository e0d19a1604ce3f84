/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/pack.h"

#include <zstd.h>

enum { LEVEL = 3, LEVEL_QUICK = 1, WINDOW_LOG = 19 };

void sw_packer_fini(struct sw_packer *packer)
{
    (void)ZSTD_freeCCtx(packer->compressor);
    (void)ZSTD_freeDCtx(packer->decompressor);
    sw_bytes_fini(&packer->packed);
    sw_bytes_fini(&packer->opened);
    sw_bytes_fini(&packer->raw);
    *packer = (struct sw_packer){0};
}

/* The raw size stands in the segment's header, its digest behind the body: the frame
 * need not repeat them. */
static bool set_up(struct sw_packer *packer)
{
    ZSTD_CCtx *context = packer->compressor;

    if (context != NULL)
        return true;
    context = ZSTD_createCCtx();
    packer->compressor = context;
    return context != NULL &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, WINDOW_LOG)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0));
}

enum sw_code sw_pack(struct sw_packer *packer, struct sw_span raw, bool quick,
                     struct sw_span *ret_packed, struct sw_err *err)
{
    uint8_t *room;
    size_t size;

    sw_bytes_clear(&packer->packed);
    room = sw_bytes_room(&packer->packed, ZSTD_compressBound(raw.size));
    if (room == NULL || !set_up(packer) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(packer->compressor, ZSTD_c_compressionLevel,
                                            quick ? LEVEL_QUICK : LEVEL)))
        return sw_fail(err, SW_NO_MEMORY, "packing %zu bytes", raw.size);
    size = ZSTD_compress2(packer->compressor, room, packer->packed.capacity, raw.data, raw.size);
    if (ZSTD_isError(size))
        return sw_fail(err, SW_NO_MEMORY, "packing %zu bytes: %s", raw.size,
                       ZSTD_getErrorName(size));
    *ret_packed = size < raw.size ? sw_span_of(room, size) : (struct sw_span){0};
    return SW_OK;
}

enum sw_code sw_unpack(struct sw_packer *packer, struct sw_span packed, size_t raw_size,
                       struct sw_span *ret_raw, struct sw_err *err)
{
    uint8_t *room;
    size_t size;

    sw_bytes_clear(&packer->raw);
    room = sw_bytes_room(&packer->raw, raw_size);
    if (packer->decompressor == NULL)
        packer->decompressor = ZSTD_createDCtx();
    if (room == NULL || packer->decompressor == NULL)
        return sw_fail(err, SW_NO_MEMORY, "unpacking %zu bytes", raw_size);
    size = ZSTD_findFrameCompressedSize(packed.data, packed.size);
    if (ZSTD_isError(size) || size != packed.size)
        return sw_fail(err, SW_CORRUPT, "the body is not one zstd frame");
    size = ZSTD_decompressDCtx(packer->decompressor, room, raw_size, packed.data, packed.size);
    if (ZSTD_isError(size) || size != raw_size)
        return sw_fail(err, SW_CORRUPT, "the body cannot be unpacked");
    *ret_raw = sw_span_of(room, size);
    return SW_OK;
}
