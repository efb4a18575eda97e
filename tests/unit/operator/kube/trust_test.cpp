#include "operator/kube/trust.hpp"

#include "operator/kube/base64.hpp"
#include "operator/runtime/resource.hpp"
#include "tests/support/cluster_keys.hpp"
#include "tests/support/reporting_proxy.hpp"
#include "tests/support/scripted_api.hpp"

#include <optional>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using namespace std::chrono_literals;
using runtime::Method;
using test::FakeApiServer;
using test::run_until;
using test::settle;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* collection = "/api/v1/namespaces/ops/secrets";
constexpr const char* path = "/api/v1/namespaces/ops/secrets/penstock-operator-keys";
constexpr const char* jwks = "/openid/v1/jwks";
const runtime::Resource& secrets = runtime::resources::secrets;

class TrustTest : public ::testing::Test {
 protected:
    TrustTest() {
        test::publish_keys(api_, maker_);
        make(60s);
    }
    void make(std::chrono::milliseconds look_again) {
        Trust::Settings settings;
        settings.name_space = "ops";
        settings.after_fault = 10ms;
        settings.look_again = look_again;
        trust_.emplace(io_, api_, settings, [this] { ++news_; });
    }
    // As the Secret of a ring that was made so long ago.
    void put_ring(std::chrono::hours age) {
        const auto ring = http::KeyRing::make(std::chrono::system_clock::now() - age, {}).value();
        api::Document secret{
            {"metadata", {{"name", "penstock-operator-keys"}, {"namespace", "ops"}}}};
        for (const auto& [key, value] : ring.to_data()) secret["data"][key] = encode_base64(value);
        api_.put(secrets, secret);
    }
    api::Document secret() { return api_.get(secrets, "ops", "penstock-operator-keys"); }
    static std::size_t certificates(const std::string& pem) {
        std::size_t count = 0;
        const std::string begin = "-----BEGIN CERTIFICATE-----";
        for (auto at = pem.find(begin); at != std::string::npos; at = pem.find(begin, at + 1))
            ++count;
        return count;
    }
    std::string token(const objects::PodFacts& pod) const {
        const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
        return maker_.sign(
            {{"aud", {"penstock-operator"}},
             {"exp", now + 600},
             {"iat", now},
             {"kubernetes.io",
              {{"namespace", pod.name_space},
               {"pod", {{"name", pod.name}, {"uid", pod.uid}}},
               {"serviceaccount", {{"name", "orders-proxy"}, {"uid", "u"}}}}}}
        );
    }

    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    const test::TokenMaker maker_{"ES256", "one"};
    int news_ = 0;
    std::optional<Trust> trust_;
};

TEST_F(TrustTest, MakesTheKeysWhereThereAreNone) {
    EXPECT_EQ(trust_->authorities(), "");
    trust_->begin();
    settle(io_);
    ASSERT_TRUE(trust_->ready()) << trust_->fault();
    EXPECT_EQ(trust_->fault(), "");
    EXPECT_EQ(certificates(trust_->authorities()), 1U);
    const api::Document made = secret();
    EXPECT_EQ(made["type"], "Opaque");
    EXPECT_EQ(decode_base64(made["data"]["ca.crt"].get<std::string>()), trust_->authorities());
    EXPECT_THAT(
        api_.take_lines(),
        ElementsAre(
            "GET " + std::string(path),
            "GET " + std::string(jwks),
            "POST " + std::string(collection),
            "GET " + std::string(path)
        )
    );
    EXPECT_GT(news_, 0);
}

TEST_F(TrustTest, TakesTheKeysOfOneThatWasFaster) {
    put_ring(1h);
    const api::Document theirs = secret();
    api_.answer_with(Method::Get, path, FakeApiServer::refusal(404, "NotFound"), 1);
    trust_->begin();
    settle(io_);
    EXPECT_TRUE(trust_->ready());
    EXPECT_EQ(secret(), theirs);
    EXPECT_EQ(decode_base64(theirs["data"]["ca.crt"].get<std::string>()), trust_->authorities());
}

TEST_F(TrustTest, RefusesGarbageAndSaysWhatToDo) {
    api_.put(
        secrets,
        {{"metadata", {{"name", "penstock-operator-keys"}, {"namespace", "ops"}}},
         {"data", {{"ca.crt", "eA=="}, {"ca.key", "not base64!"}}}}
    );
    const api::Document before = secret();
    trust_->begin();
    settle(io_);
    EXPECT_FALSE(trust_->ready());
    EXPECT_THAT(
        trust_->fault(),
        AllOf(
            HasSubstr("Secret penstock-operator-keys: ca.crt"),
            HasSubstr("delete it and another one is made")
        )
    );
    EXPECT_EQ(secret(), before);
    api_.remove(secrets, "ops", "penstock-operator-keys");
    ASSERT_TRUE(run_until(io_, [&] { return trust_->ready(); }));
    EXPECT_EQ(trust_->fault(), "");
}

TEST_F(TrustTest, TokenKeysThatMayNotBeReadAreNamedWithTheRightThatIsMissing) {
    api_.answer_with(Method::Get, jwks, FakeApiServer::refusal(403, "Forbidden", "no right"));
    trust_->begin();
    settle(io_);
    EXPECT_FALSE(trust_->ready());
    EXPECT_FALSE(trust_->access(test::running_pod("orders-1")));
    EXPECT_THAT(
        trust_->fault(),
        AllOf(
            HasSubstr("/openid/v1/jwks"),
            HasSubstr("no right"),
            HasSubstr("system:service-account-issuer-discovery")
        )
    );
    test::publish_keys(api_, maker_);
    ASSERT_TRUE(run_until(io_, [&] { return trust_->ready(); }));
    EXPECT_EQ(trust_->fault(), "");
}

TEST_F(TrustTest, TokenKeysThatAreNoKeysAreNamed) {
    api_.answer_with(Method::Get, jwks, {200, "", {}, "<html>"});
    trust_->begin();
    settle(io_);
    EXPECT_THAT(trust_->fault(), StartsWith("the cluster's token keys: "));
}

TEST_F(TrustTest, AFaultThatPassesIsForgottenAndTheKeysStay) {
    make(10ms);
    trust_->begin();
    ASSERT_TRUE(run_until(io_, [&] { return trust_->ready(); }));
    const std::string authorities = trust_->authorities();
    api_.answer_with(Method::Get, path, {0, "timed out", {}, ""});
    ASSERT_TRUE(run_until(io_, [&] { return !trust_->fault().empty(); }));
    EXPECT_THAT(trust_->fault(), HasSubstr("timed out"));
    EXPECT_TRUE(trust_->ready());
    api_.answer_as_usual(Method::Get, path);
    ASSERT_TRUE(run_until(io_, [&] { return trust_->fault().empty(); }));
    EXPECT_EQ(trust_->authorities(), authorities);
}

TEST_F(TrustTest, KeysThatGrowOldMoveOn) {
    put_ring(24h * 300);
    const std::string version = secret()["metadata"]["resourceVersion"];
    trust_->begin();
    settle(io_);
    ASSERT_TRUE(trust_->ready());
    EXPECT_EQ(certificates(trust_->authorities()), 2U) << "the next one is trusted before it signs";
    EXPECT_TRUE(secret()["data"].contains("next.key"));
    for (const runtime::Request& each : api_.requests) {
        if (each.method != Method::Put) continue;
        EXPECT_EQ(api::parse_json(each.body).value()["metadata"]["resourceVersion"], version);
    }
}

TEST_F(TrustTest, AWriteThatMetAnotherLooksAgain) {
    put_ring(24h * 300);
    api_.answer_with(Method::Put, path, FakeApiServer::refusal(409, "Conflict"), 1);
    trust_->begin();
    settle(io_);
    EXPECT_TRUE(trust_->ready());
    EXPECT_TRUE(secret()["data"].contains("next.key"));
}

TEST_F(TrustTest, TheTokenSaysWhichPodAnswers) {
    const objects::PodFacts pod = test::running_pod("orders-1");
    EXPECT_FALSE(trust_->access(pod));
    trust_->begin();
    settle(io_);
    const auto access = trust_->access(pod);
    ASSERT_TRUE(access);
    EXPECT_EQ(access->endpoint, (http::Endpoint{"127.0.0.1", 9128}));
    EXPECT_TRUE(access->tls);
    EXPECT_TRUE(access->check_identity(token(pod)));
    objects::PodFacts earlier = pod;  // of the same name
    earlier.uid = "uid-before";
    const auto other = access->check_identity(token(earlier));
    ASSERT_FALSE(other);
    EXPECT_THAT(api::to_string(other.error()), HasSubstr("answers there, not Pod shop/orders-1"));
    EXPECT_FALSE(access->check_identity("no token"));
}

TEST_F(TrustTest, AnAnswerAfterItsEndFindsNobody) {
    api_.hold();
    trust_->begin();
    trust_.reset();
    api_.release();
    settle(io_);
    EXPECT_EQ(news_, 0);
}

}  // namespace
}  // namespace penstock::kube
