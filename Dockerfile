# Both programs on Debian 12, in an image that holds nothing but them and the libraries that they load:
# no shell, no package manager, a user without rights; the root file system may be read-only.
#
#   docker build -t penstock:0.1.0 .                      builds from source
#   docker build -t penstock:0.1.0 --target prebuilt .    takes both programs from the folder image/
#
# Programs in image/ are to be built on Debian 12.

# The libraries, with what they need in turn, as a tree of files.
FROM debian:bookworm-slim AS libraries
RUN apt-get update && apt-get install -y --no-install-recommends \
        libcpprest2.10 libidn12 libpq5 libprometheus-cpp-core1.0 libspdlog1.10 libssl3 libyaml-cpp0.7 \
    && rm -rf /var/lib/apt/lists/*
RUN set -e; \
    mkdir -p /tree/etc /tree/tmp /tree/usr/bin; \
    for library in libcpprest.so.2.10 libidn.so.12 libpq.so.5 libprometheus-cpp-core.so.1.0 libspdlog.so.1.10 libssl.so.3 \
            libyaml-cpp.so.0.7 libstdc++.so.6 libm.so.6 libgcc_s.so.1; do \
        file=$(ldconfig -p | sed -n "s|^[[:space:]]*$library .* => ||p" | head -n 1); \
        test -n "$file" || { echo "no package brings $library" >&2; exit 1; }; \
        echo "$file"; \
        ldd "$file" | grep -o '/[^ ]*'; \
    done | sort -u >/files; \
    xargs cp -L --parents -t /tree </files; \
    cp -L --parents -t /tree /etc/nsswitch.conf; \
    echo 'penstock:x:65532:65532::/:/nonexistent' >/tree/etc/passwd; \
    echo 'penstock:x:65532:' >/tree/etc/group; \
    chmod 1777 /tree/tmp

FROM scratch AS runtime
COPY --from=libraries /tree/ /
USER 65532:65532
ENTRYPOINT ["/usr/bin/penstock-operator"]

FROM runtime AS prebuilt
COPY image/penstock-proxy image/penstock-operator /usr/bin/

FROM debian:bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        g++ cmake ninja-build libboost-dev libssl-dev libidn-dev libyaml-cpp-dev nlohmann-json3-dev libspdlog-dev \
        libexpected-dev libcli11-dev libcpprest-dev prometheus-cpp-dev zlib1g-dev libcurl4-openssl-dev libpq-dev \
        libgtest-dev libgmock-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . /src
WORKDIR /src
RUN cmake --preset release && cmake --build --preset release --target penstock-proxy penstock-operator \
    && strip build/release/dataplane/penstock-proxy build/release/operator/penstock-operator

FROM runtime
COPY --from=build /src/build/release/dataplane/penstock-proxy /src/build/release/operator/penstock-operator /usr/bin/
