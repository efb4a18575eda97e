#include "operator/http/exchange.hpp"

#include "crds/api/decode.hpp"
#include "crds/api/document.hpp"
#include "crds/api/encode.hpp"

namespace penstock::http {
namespace {

constexpr int ok = 200;
constexpr int unauthorized = 401;
constexpr int conflict = 409;

tl::unexpected<api::Error> fault(const std::string& text) {
    return tl::unexpected(api::Error{{}, text});
}

}  // namespace

Exchange::Exchange(
    boost::asio::io_context& io, ProxyAccess access, std::chrono::milliseconds timeout
)
    : access_(std::move(access)), client_(io, access_.endpoint, timeout, access_.tls) {}

void Exchange::ask(OnReport on_report) {
    send({"GET", "/v1/report", access_.bearer_token, ""}, std::move(on_report));
}

void Exchange::push(const api::Grant& grant, OnReport on_report) {
    send(
        {"PUT", "/v1/grant", access_.bearer_token, api::to_json_text(api::encode(grant))},
        std::move(on_report)
    );
}

void Exchange::ask_if_ready(std::function<void(bool)> on_answer) {
    client_.send(
        {"GET", "/readyz", "", ""},
        [on_answer = std::move(on_answer)](const api::Result<Reply>& reply) {
            on_answer(reply && reply->status == ok);
        }
    );
}

void Exchange::send(Request request, OnReport on_report) {
    const bool is_grant = request.method == "PUT";
    client_.send(
        request,
        [this, is_grant, on_report = std::move(on_report)](api::Result<Reply> reply) mutable {
            // The proxy has a newer grant; which one, its report says.
            if (is_grant && reply && reply->status == conflict) return ask(std::move(on_report));
            if (!reply) return on_report(tl::unexpected(reply.error()));
            on_report(read(*reply));
        }
    );
}

api::Result<api::Report> Exchange::read(const Reply& reply) const {
    if (access_.check_identity) {
        if (reply.identity.empty()) return fault("it does not show who it is");
        if (const auto known = access_.check_identity(reply.identity); !known) {
            return fault("it is not who it should be: " + api::to_string(known.error()));
        }
    }
    if (reply.status == unauthorized) return fault("its admin port refuses our token");
    if (reply.status != ok) {
        return fault("it answers with status " + std::to_string(reply.status));
    }
    const auto document = api::parse_json(reply.body);
    if (!document) return fault("its report is no JSON: " + document.error().text);
    auto report = api::decode<api::Report>(*document, api::UnknownKeys::Ignore);
    if (!report) return fault("its report: " + api::to_string(report.error().front()));
    return *std::move(report);
}

}  // namespace penstock::http
