#include "dataplane/net/admin_pages.hpp"

#include "crds/api/decode.hpp"
#include "crds/api/document.hpp"
#include "crds/api/encode.hpp"

#include <optional>
#include <vector>

#include <openssl/crypto.h>

namespace penstock::net {
namespace {

AdminResponse text(unsigned status, std::string body) {
    return {status, "text/plain; charset=utf-8", std::move(body) + "\n"};
}

AdminResponse json(unsigned status, const api::Document& document) {
    return {status, "application/json", api::to_json_text(document) + "\n"};
}

AdminResponse faults(unsigned status, const std::vector<api::Error>& errors) {
    api::Document list = api::Document::array();
    for (const api::Error& error : errors) list.push_back(api::to_string(error));
    return json(status, {{"errors", std::move(list)}});
}

// In constant time for tokens of one length.
bool shows_token(std::string_view authorization, const std::string& token) {
    constexpr std::string_view scheme = "Bearer ";
    if (!authorization.starts_with(scheme)) return false;
    authorization.remove_prefix(scheme.size());
    return authorization.size() == token.size() &&
           CRYPTO_memcmp(authorization.data(), token.data(), token.size()) == 0;
}

// Nothing: it may grant.
std::optional<AdminResponse> refusal(const AdminRequest& request, const AdminPages& pages) {
    const std::string token = pages.token();
    if (token.empty()) {
        return faults(401, {{"admin.tokenFile", "is not set; without it grants are refused"}});
    }
    if (!shows_token(request.authorization, token)) {
        return faults(401, {{"Authorization", "must be Bearer and the token in admin.tokenFile"}});
    }
    return std::nullopt;
}

AdminResponse put_grant(const AdminRequest& request, const AdminPages& pages, Door door) {
    if (door != Door::Grants) {
        if (auto refused = refusal(request, pages)) return *std::move(refused);
    }
    const auto document = api::parse_json(request.body);
    if (!document) return faults(400, {document.error()});
    const auto grant = api::decode<api::Grant>(*document, api::UnknownKeys::Ignore);
    if (!grant) return faults(400, grant.error());
    if (!pages.take_grant(*grant)) {
        const api::Report report = pages.report();
        return faults(
            409,
            {{"epoch, sequence",
              "must be above (" + std::to_string(report.epoch) + ", " +
                  std::to_string(report.sequence) + "), which is in force"}}
        );
    }
    return json(200, api::encode(pages.report()));
}

}  // namespace

AdminResponse answer(const AdminRequest& request, const AdminPages& pages, Door door) {
    const std::string_view path = request.target.substr(0, request.target.find('?'));
    const bool is_get = request.method == "GET" || request.method == "HEAD";
    const bool is_put = request.method == "PUT";
    if (path == "/v1/grant" || path == "/v1/report") {
        if (door == Door::Observations) {
            return text(404, "grants and reports are on the port in admin.grants, by mutual TLS");
        }
        if (path == "/v1/grant") {
            return is_put ? put_grant(request, pages, door) : text(405, "use PUT");
        }
        return is_get ? json(200, api::encode(pages.report())) : text(405, "use GET");
    }
    if (door == Door::Grants) return text(404, "there are /v1/report and /v1/grant");
    if (path != "/metrics" && path != "/healthz" && path != "/readyz") {
        return text(404, "there are /metrics, /healthz, /readyz, /v1/report and /v1/grant");
    }
    if (!is_get) return text(405, "use GET");
    if (path == "/metrics") {
        return {200, "text/plain; version=0.0.4; charset=utf-8", pages.metrics()};
    }
    if (path == "/healthz") return text(200, "ok");
    const std::string reason = pages.why_not_ready();
    return reason.empty() ? text(200, "ok") : text(503, reason);
}

}  // namespace penstock::net
