// The transport over cpprestsdk, which is seen in this file's implementation only. HTTP/1.1 over
// TLS; requests run on a pool of 4 threads, callbacks on the io_context's thread. Watches have a
// client of their own, whose connections may be silent for longer.
#pragma once

#include "operator/kube/credentials.hpp"
#include "operator/kube/transport.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace penstock::kube {

struct TransportSettings {
    std::string user_agent = "penstock-operator";
    std::chrono::milliseconds unary_idle{15'000};        // a request fails after this much silence,
    std::chrono::milliseconds unary_whole{60'000};       // or when it is not answered after this
    std::chrono::milliseconds watch_idle{130'000};       // bookmarks come about once a minute
    std::chrono::milliseconds client_lifetime{600'000};  // then new connections, with new files
    std::size_t body_max = 64U << 20U;                   // of an answer that is not a stream
};

class CpprestTransport : public Transport {
 public:
    CpprestTransport(
        boost::asio::io_context& io, Credentials credentials, TransportSettings settings
    );
    // On the io_context's thread. What is under way is given up; no callback comes after this.
    ~CpprestTransport() override;
    CpprestTransport(const CpprestTransport&) = delete;
    CpprestTransport& operator=(const CpprestTransport&) = delete;

    void send(const runtime::Request& request, OnResponse on_response) override;
    StreamId stream(const runtime::Request& request, OnBytes on_bytes, OnResponse on_end) override;
    void cancel(StreamId stream) override;

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace penstock::kube
