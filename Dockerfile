# Both programs on Debian 12: built in one stage, run in the other, as a user without rights.
FROM debian:bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        g++ cmake ninja-build libboost-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev \
        libspdlog-dev libexpected-dev libcli11-dev prometheus-cpp-dev libpq-dev libgtest-dev libgmock-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . /src
WORKDIR /src
RUN cmake --preset release && cmake --build --preset release --target penstock-proxy penstock-operator \
    && strip build/release/dataplane/penstock-proxy build/release/operator/penstock-operator

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
        libssl3 libyaml-cpp0.7 libspdlog1.10 libprometheus-cpp-core1.0 libpq5 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/dataplane/penstock-proxy /src/build/release/operator/penstock-operator /usr/bin/
USER 65532:65532
ENTRYPOINT ["/usr/bin/penstock-operator"]
