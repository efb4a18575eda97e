#include "operator/kube/trust.hpp"

#include "crds/api/names.hpp"
#include "operator/kube/base64.hpp"
#include "operator/runtime/api_error.hpp"
#include "operator/runtime/resource.hpp"

#include <map>
#include <utility>

#include <spdlog/spdlog.h>

namespace penstock::kube {

namespace {

using api::Document;
using std::chrono::steady_clock;
using std::chrono::system_clock;

// Our certificate towards proxies is made anew when half of this is over.
constexpr std::chrono::hours client_validity{48};
// Between two looks at the cluster's token keys, when a token names one that is not known.
constexpr std::chrono::seconds token_keys_distance{10};
constexpr std::chrono::minutes token_keys_age{10};
constexpr std::chrono::seconds after_fault{5};

std::map<std::string, std::string> data_of(const Document& secret) {
    std::map<std::string, std::string> data;
    const auto found = secret.find("data");
    if (found == secret.end() || !found->is_object()) return data;
    for (const auto& [key, value] : found->items())
        if (value.is_string()) data[key] = decode_base64(value.get<std::string>()).value_or("");
    return data;
}

}  // namespace

Trust::Trust(
    boost::asio::io_context& io,
    Transport& transport,
    Settings settings,
    std::function<void()> on_news
)
    : transport_(transport),
      settings_(std::move(settings)),
      on_news_(std::move(on_news)),
      timer_(io) {}

void Trust::begin() {
    read_secret();
    const auto now = steady_clock::now();
    const bool is_wanted = newer_keys_wanted_ && now - token_keys_asked_ > token_keys_distance;
    if (!token_keys_ || is_wanted || now - token_keys_asked_ > token_keys_age) read_token_keys();
}

void Trust::ask(
    const runtime::Request& request, void (Trust::*on_answer)(const runtime::Response&)
) {
    transport_.send(
        request,
        [this, on_answer, alive = std::weak_ptr<bool>(alive_)](const runtime::Response& response) {
            if (!alive.expired()) (this->*on_answer)(response);
        }
    );
}

void Trust::read_secret() {
    runtime::Request request;
    request.path = runtime::resources::secrets.object(settings_.name_space, settings_.secret);
    ask(request, &Trust::on_secret);
}

void Trust::on_secret(const runtime::Response& response) {
    const runtime::Answer answer = runtime::read_answer(response);
    const auto now = system_clock::now();
    if (answer.what == runtime::AnswerClass::NotFound) {
        const auto made = http::KeyRing::make(now, settings_.times);
        if (!made) return fail(api::to_string(made.error()));
        spdlog::info("making the keys of this operator: Secret {}", settings_.secret);
        return write_secret(*made, nullptr);
    }
    if (!answer.ok()) return fail("Secret " + settings_.secret + ": " + answer.text);
    const auto secret = api::parse_json(response.body);
    if (!secret) return fail("Secret " + settings_.secret + ": " + api::to_string(secret.error()));
    const auto ring = http::KeyRing::from_data(data_of(*secret));
    if (!ring)
        return fail(
            "Secret " + settings_.secret + ": " + api::to_string(ring.error()) +
            "; delete it and another one is made"
        );
    const auto advanced = ring->advanced(now, settings_.times);
    if (!advanced) return fail(api::to_string(advanced.error()));
    if (*advanced != *ring) {
        spdlog::info("the operator's keys move on: Secret {}", settings_.secret);
        return write_secret(*advanced, &*secret);
    }
    use(*ring);
}

void Trust::write_secret(const http::KeyRing& ring, const Document* present) {
    Document secret;
    secret["apiVersion"] = "v1";
    secret["kind"] = "Secret";
    secret["metadata"] = {
        {"name", settings_.secret},
        {"namespace", settings_.name_space},
        {"labels", {{std::string(api::labels::name), std::string(api::operator_name)}}}};
    // Whoever else has written meanwhile wins.
    if (present) secret["metadata"]["resourceVersion"] = present->at("metadata")["resourceVersion"];
    secret["type"] = "Opaque";
    Document data = Document::object();
    for (const auto& [key, value] : ring.to_data()) data[key] = encode_base64(value);
    secret["data"] = std::move(data);
    runtime::Request request;
    request.method = present ? runtime::Method::Put : runtime::Method::Post;
    request.path = present
                       ? runtime::resources::secrets.object(settings_.name_space, settings_.secret)
                       : runtime::resources::secrets.collection(settings_.name_space);
    request.content_type = "application/json";
    request.body = api::to_json_text(secret);
    ask(request, &Trust::on_written);
}

void Trust::on_written(const runtime::Response& response) {
    const runtime::Answer answer = runtime::read_answer(response);
    // Another replica may have been faster: what is there now counts.
    if (answer.ok() || answer.what == runtime::AnswerClass::AlreadyExists ||
        answer.what == runtime::AnswerClass::Conflict)
        return read_secret();
    fail("Secret " + settings_.secret + ": " + answer.text);
}

void Trust::use(const http::KeyRing& ring) {
    look_again_later(settings_.look_again);
    if (token_keys_) fault_.clear();
    const auto now = system_clock::now();
    const auto valid = tls_ ? http::validity(client_.certificate) : tl::unexpected(api::Error{});
    const bool is_fresh = valid && valid->end - now > (valid->end - valid->begin) / 2;
    if (is_fresh && ring == ring_) return;
    const auto minted = http::mint_client(ring.active, now, client_validity);
    if (!minted) return fail("the operator's certificate: " + api::to_string(minted.error()));
    const auto tls = http::ClientTls::make(minted->certificate, minted->key);
    if (!tls) return fail("the operator's certificate: " + api::to_string(tls.error()));
    ring_ = ring;
    client_ = *minted;
    tls_ = *tls;
    on_news_();
}

void Trust::read_token_keys() {
    token_keys_asked_ = steady_clock::now();
    runtime::Request request;
    request.path = "/openid/v1/jwks";
    ask(request, &Trust::on_token_keys);
}

void Trust::on_token_keys(const runtime::Response& response) {
    const runtime::Answer answer = runtime::read_answer(response);
    if (!answer.ok())
        return fail(
            "the cluster's token keys (/openid/v1/jwks): " + answer.text +
            "; the ClusterRole system:service-account-issuer-discovery allows reading them"
        );
    auto keys = http::KeySet::parse(response.body);
    if (!keys) return fail("the cluster's token keys: " + api::to_string(keys.error()));
    token_keys_ = std::make_shared<const http::KeySet>(*std::move(keys));
    newer_keys_wanted_ = false;
    if (tls_) fault_.clear();
    on_news_();
}

void Trust::look_again_later(std::chrono::seconds delay) {
    timer_.expires_after(delay);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) begin();
    });
}

void Trust::fail(const std::string& fault) {
    if (fault != fault_) spdlog::error("{}", fault);
    fault_ = fault;
    look_again_later(after_fault);
    on_news_();
}

std::optional<http::ProxyAccess> Trust::access(const objects::PodFacts& pod) const {
    if (!ready()) return std::nullopt;
    http::ProxyAccess access;
    access.endpoint = {pod.ip, static_cast<std::uint16_t>(api::ports::grants)};
    access.tls = tls_;
    access.check_identity = [this, pod](const std::string& token) { return check(pod, token); };
    return access;
}

api::Result<void> Trust::check(const objects::PodFacts& pod, const std::string& token) const {
    const auto identity = http::verify_identity(token, *token_keys_, system_clock::now());
    if (!identity) {
        newer_keys_wanted_ = newer_keys_wanted_ || http::may_be_newer_key(token, *token_keys_);
        return tl::unexpected(identity.error());
    }
    if (identity->pod_uid == pod.uid && identity->pod_namespace == pod.name_space) return {};
    return tl::unexpected(api::Error{
        pod.ip,
        "Pod " + identity->pod_namespace + "/" + identity->pod_name + " answers there, not Pod " +
            pod.name_space + "/" + pod.name});
}

}  // namespace penstock::kube
