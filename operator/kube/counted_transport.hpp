// A transport that counts what goes through it, as client-go names it (rest_client_requests_total).
#pragma once

#include "operator/kube/transport.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace penstock::kube {

std::string_view to_string(runtime::Method method);

class CountedTransport : public Transport {
 public:
    using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t>;

    explicit CountedTransport(Transport& inner) : inner_(inner) {}

    void send(const runtime::Request& request, OnResponse on_response) override;
    StreamId stream(const runtime::Request& request, OnBytes on_bytes, OnResponse on_end) override;
    void cancel(StreamId stream) override { inner_.cancel(stream); }

    // By method and status; "<error>" where there was no answer.
    const Counts& counts() const { return counts_; }

 private:
    void count(const std::string& method, const runtime::Response& response);

    Transport& inner_;
    Counts counts_;
};

}  // namespace penstock::kube
