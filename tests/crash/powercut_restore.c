/* SPDX-License-Identifier: Apache-2.0
 *
 * Goal: a restore that was acknowledged survives the power cut; one that was cut leaves no journal
 * at all, or the whole. It imports without syncing, so everything hangs on the order in which
 * its files are synced, renamed, and their folder synced (storage/archive/place.c).
 *
 * Method: the linker puts a journal of syncs around the program's fsync and rename. Of a file the
 * disk holds what it had at its last fsync, or the first half of it if it had none; of a folder
 * either what it listed at its last fsync or what it lists now. SQLite's own syncs are not seen:
 * with synchronous=OFF there are none that count. The power is cut behind each call.
 */
#include <dirent.h>
#include <fcntl.h>

#include "tests/unit/storage/archive/fixture.h"

enum { FILES_MAX = 16 };

int __real_fsync(int fd);                            /* NOLINT: the linker's name */
int __real_rename(const char *from, const char *to); /* NOLINT */
int __wrap_fsync(int fd);                            /* NOLINT */
int __wrap_rename(const char *from, const char *to); /* NOLINT */

static const char *const names[] = {"journal.db", "journal.db-wal"};

struct disk {
    struct fixture *fixture;
    char directory[PATH_SIZE]; /* that is watched; "": none */
    char synced[PATH_SIZE];    /* files as of their last fsync, by inode */
    char image[PATH_SIZE];     /* what would be found after the cut */
    ino_t listed[2];           /* inodes of `names` at the folder's last fsync; 0: not there */
    struct dump truth;
    unsigned cuts;
    unsigned whole;
};
static struct disk disk;

static ino_t inode_of(const char *name)
{
    char path[PATH_SIZE + 32];
    struct stat status;

    (void)snprintf(path, sizeof(path), "%s/%s", disk.directory, name);
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

/* half: of the file alone the first half. */
static void copy(const char *from, const char *to, bool half)
{
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    static char bytes[1 << 16];
    struct stat status;
    size_t left;
    size_t size;

    assert_non_null(in);
    assert_non_null(out);
    assert_int_equal(fstat(fileno(in), &status), 0);
    left = (size_t)status.st_size / (half ? 2 : 1);
    while (left > 0) {
        size = fread(bytes, 1, left < sizeof(bytes) ? left : sizeof(bytes), in);
        assert_true(size > 0);
        assert_int_equal(fwrite(bytes, 1, size, out), size);
        left -= size;
    }
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

/* Puts a file into the image as the disk has it. */
static void recover(const char *name, ino_t inode)
{
    char synced[PATH_SIZE + 32];
    char from[PATH_SIZE + 32];
    char to[PATH_SIZE + 32];
    bool is_synced;

    (void)snprintf(synced, sizeof(synced), "%s/%llu", disk.synced, (unsigned long long)inode);
    (void)snprintf(from, sizeof(from), "%s/%s", disk.directory, name);
    (void)snprintf(to, sizeof(to), "%s/%s", disk.image, name);
    is_synced = access(synced, F_OK) == 0;
    copy(is_synced ? synced : from, to, !is_synced);
}

/* Whether the whole journal is there after the cut; else there must be none. */
static bool is_whole(const ino_t listed[2])
{
    remove_tree(disk.image);
    assert_int_equal(mkdir(disk.image, 0700), 0);
    for (int i = 0; i < 2; i++)
        if (listed[i] != 0)
            recover(names[i], listed[i]);
    disk.cuts++;
    if (listed[0] == 0)
        return false;
    assert_same(disk.truth, dump_of(disk.fixture, disk.image));
    disk.whole++;
    return true;
}

static bool survives(void)
{
    ino_t now[2] = {inode_of(names[0]), inode_of(names[1])};
    bool before = is_whole(disk.listed);

    return is_whole(now) && before;
}

static void note_file(int fd, const struct stat *status)
{
    char from[64];
    char to[PATH_SIZE + 32];

    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    (void)snprintf(to, sizeof(to), "%s/%llu", disk.synced, (unsigned long long)status->st_ino);
    copy(from, to, false);
}

int __wrap_fsync(int fd) /* NOLINT */
{
    int failed = __real_fsync(fd);
    struct stat directory;
    struct stat status;

    if (disk.directory[0] == '\0' || failed != 0)
        return failed;
    assert_int_equal(fstat(fd, &status), 0);
    if (S_ISREG(status.st_mode)) {
        note_file(fd, &status);
    } else if (stat(disk.directory, &directory) == 0 && directory.st_ino == status.st_ino) {
        disk.listed[0] = inode_of(names[0]);
        disk.listed[1] = inode_of(names[1]);
    }
    (void)survives();
    return 0;
}

int __wrap_rename(const char *from, const char *to) /* NOLINT */
{
    int failed = __real_rename(from, to);

    if (disk.directory[0] != '\0')
        (void)survives();
    return failed;
}

static void fill_store(struct fixture *fixture)
{
    struct node node = node_of(fixture, "live");

    start(&node);
    for (int i = 0; i < 4; i++) {
        play(&node, 20, 20000);
        ship(&node);
        if (i == 1)
            snapshot(&node);
    }
    stop(&node);
    disk.truth = dump_of(fixture, node.directory);
}

static void watch(struct fixture *fixture, const char *directory)
{
    disk.fixture = fixture;
    (void)snprintf(disk.synced, sizeof(disk.synced), "%s/synced", fixture->root);
    (void)snprintf(disk.image, sizeof(disk.image), "%s/image", fixture->root);
    assert_int_equal(mkdir(disk.synced, 0700), 0);
    (void)snprintf(disk.directory, sizeof(disk.directory), "%s", directory);
}

static void acknowledged_restore_survives_a_power_cut(void **state)
{
    struct fixture *fixture = *state;
    struct sw_restore_report report;
    char directory[PATH_SIZE];
    struct sw_restore_options restore = {.directory = directory};
    bool survived;

    disk = (struct disk){0};
    (void)snprintf(directory, sizeof(directory), "%s/restored", fixture->root);
    fill_store(fixture);
    watch(fixture, directory);
    ok(fixture, sw_archive_restore(&fixture->options, &restore, &report, &fixture->err));
    survived = survives();
    disk.directory[0] = '\0';
    assert_true(survived);
    assert_true(disk.cuts >= 10);
    assert_true(disk.whole >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(acknowledged_restore_survives_a_power_cut, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
