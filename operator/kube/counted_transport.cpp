#include "operator/kube/counted_transport.hpp"

namespace penstock::kube {

std::string_view to_string(runtime::Method method) {
    switch (method) {
        case runtime::Method::Get:
            return "GET";
        case runtime::Method::Post:
            return "POST";
        case runtime::Method::Put:
            return "PUT";
        case runtime::Method::Patch:
            return "PATCH";
        case runtime::Method::Delete:
            return "DELETE";
    }
    return "GET";
}

void CountedTransport::count(const std::string& method, const runtime::Response& response) {
    ++counts_[{method, response.status == 0 ? "<error>" : std::to_string(response.status)}];
}

// Answers that come after this object has gone are nobody's: the owner ends the inner transport
// first.
void CountedTransport::send(const runtime::Request& request, OnResponse on_response) {
    inner_.send(
        request,
        [this,
         method = std::string(to_string(request.method)),
         answer = std::move(on_response)](const runtime::Response& response) {
            count(method, response);
            answer(response);
        }
    );
}

Transport::StreamId CountedTransport::stream(
    const runtime::Request& request, OnBytes on_bytes, OnResponse on_end
) {
    return inner_.stream(
        request,
        std::move(on_bytes),
        [this, answer = std::move(on_end)](const runtime::Response& response) {
            count("GET", response);
            answer(response);
        }
    );
}

}  // namespace penstock::kube
