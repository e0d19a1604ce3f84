# syntax=docker/dockerfile:1
# SPDX-License-Identifier: Apache-2.0
#
# build: the release binary · runtime: that binary and the libraries it needs, as a user
# without rights. Mount /data (the journal) and /run/stepwell (the socket, shared with the agent).

FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN apt-get update && apt-get install -y --no-install-recommends \
        cmake gcc libc6-dev ninja-build pkg-config python3 \
        protobuf-compiler protobuf-c-compiler libprotobuf-c-dev \
        libcjson-dev libcurl4-openssl-dev libexpat1-dev libgrpc-dev libmicrohttpd-dev \
        libsqlite3-dev libssl-dev libxxhash-dev libzstd-dev \
    && cmake --preset release && cmake --build --preset release --target stepwell \
    && strip build/release/sidecar/stepwell

FROM debian:12-slim AS runtime
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates libcjson1 libcurl4 libexpat1 libgrpc29 libmicrohttpd12 libprotobuf-c1 \
        libsqlite3-0 libssl3 libxxhash0 libzstd1 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 65532 -g 65532 -m 0770 /data /run/stepwell
COPY --from=build /src/build/release/sidecar/stepwell /usr/local/bin/stepwell
USER 65532:65532
VOLUME ["/data", "/run/stepwell"]
ENTRYPOINT ["/usr/local/bin/stepwell"]
CMD ["serve", "--data", "/data", "--listen", "unix:///run/stepwell/stepwell.sock"]
