// The one door to the Kubernetes API. Callbacks come on the thread of the io_context that the
// transport was made with (the deciding thread), never from within the call itself. Interface, so
// that the engine runs against a scripted API server in tests.
#pragma once

#include "operator/runtime/request.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace penstock::kube {

class Transport {
 public:
    using OnResponse = std::function<void(runtime::Response)>;
    using OnBytes = std::function<void(std::string_view)>;  // the view holds during the call
    using StreamId = std::uint64_t;

    virtual ~Transport() = default;

    // Answered exactly once, at the latest after the transport's timeout. A request that found its
    // kept-alive connection closed has been sent again.
    virtual void send(const runtime::Request& request, OnResponse on_response) = 0;

    // A response that comes in pieces (a watch). `on_end` comes once, after the last piece: with
    // status 200 when the server ended the stream, with the status and body of a refusal, or with
    // status 0 and the fault. Ends by itself when nothing arrives for the watch's idle time.
    virtual StreamId stream(
        const runtime::Request& request, OnBytes on_bytes, OnResponse on_end
    ) = 0;

    // Gives the stream up; none of its callbacks comes after this. Unknown ids are passed over.
    virtual void cancel(StreamId stream) = 0;
};

}  // namespace penstock::kube
