#include "operator/runtime/lease.hpp"

#include "crds/api/document.hpp"

#include <gmock/gmock.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// The server's side of one Lease.
struct LeaseServer {
    std::optional<api::Document> lease;
    int version = 0;

    Response answer(const Request& request) {
        if (request.method == Method::Get)
            return lease ? Response{200, "", {}, api::to_json_text(*lease)}
                         : refusal(404, "NotFound");
        const auto wanted = api::parse_json(request.body).value();
        if (request.method == Method::Post && lease) return refusal(409, "AlreadyExists");
        if (request.method == Method::Put) {
            if (!lease) return refusal(404, "NotFound");
            if ((*lease)["metadata"]["resourceVersion"] != wanted["metadata"]["resourceVersion"])
                return refusal(409, "Conflict");
        }
        lease = wanted;
        (*lease)["metadata"]["resourceVersion"] = std::to_string(++version);
        return {200, "", {}, api::to_json_text(*lease)};
    }
    static Response refusal(int code, const std::string& reason) {
        return {
            code,
            "",
            {},
            R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"reason":")" + reason +
                "\"}"};
    }
    std::string spec(const std::string& key) const {
        return lease ? api::to_json_text((*lease)["spec"][key]) : "-";
    }
};

class ElectorTest : public testing::Test {
 protected:
    static LeaseSettings settings(const std::string& identity) {
        LeaseSettings result;
        result.name_space = "ops";
        result.identity = identity;
        return result;
    }
    WallTime wall() const { return WallTime(1'764'086'915s + (now_ - Elector::Time{})); }

    // Lets the elector do all it has to do until then; whether the server answers is `answers`.
    void run(Elector& elector, Elector::Time until, bool answers = true) {
        for (int steps = 0; steps < 1000; ++steps) {
            const auto next = elector.next();
            if (!next || *next > until) break;
            now_ = std::max(now_, *next);
            const auto request = elector.tick(now_, wall());
            if (!request) continue;
            elector.on_response(
                answers ? server_.answer(*request) : Response{0, "refused", {}, ""}, now_
            );
        }
        now_ = std::max(now_, until);
    }

    LeaseServer server_;
    Elector::Time now_{1000s};
    Elector a_{settings("a")};
    Elector b_{settings("b")};
};

TEST_F(ElectorTest, FirstOneLeadsAtOnceAndRenews) {
    run(a_, now_);
    EXPECT_TRUE(a_.is_leader(now_));
    EXPECT_GT(a_.epoch(), 0);
    EXPECT_EQ(server_.spec("holderIdentity"), "\"a\"");
    EXPECT_EQ(server_.spec("leaseDurationSeconds"), "15");
    const int version = server_.version;
    const auto epoch = a_.epoch();
    run(a_, now_ + 60s);
    EXPECT_NEAR(server_.version - version, 30, 1);
    EXPECT_TRUE(a_.is_leader(now_));
    EXPECT_EQ(a_.epoch(), epoch);
}

TEST_F(ElectorTest, OtherOneWaitsUntilTheRenewalsStopOnItsOwnClock) {
    run(a_, now_);
    for (int i = 0; i < 30; ++i) {
        run(a_, now_ + 1s);
        run(b_, now_);
        EXPECT_FALSE(b_.is_leader(now_));
    }
    const auto died = now_;
    while (!b_.is_leader(now_)) run(b_, now_ + 100ms);
    EXPECT_GE(now_ - died, 13s);
    EXPECT_LE(now_ - died, 20s);
    EXPECT_FALSE(a_.is_leader(now_));
    EXPECT_EQ(b_.epoch(), a_.epoch() + 1);
    EXPECT_EQ(b_.holder(), "b");
}

TEST_F(ElectorTest, StopGivesTheLeaseBack) {
    run(a_, now_);
    a_.stop();
    EXPECT_FALSE(a_.is_leader(now_));
    EXPECT_FALSE(a_.is_over());
    run(a_, now_);
    EXPECT_TRUE(a_.is_over());
    EXPECT_EQ(a_.next(), std::nullopt);
    EXPECT_EQ(server_.spec("holderIdentity"), "\"\"");
    EXPECT_EQ(server_.spec("leaseDurationSeconds"), "1");
    run(b_, now_);
    EXPECT_TRUE(b_.is_leader(now_));
    EXPECT_EQ(b_.epoch(), a_.epoch() + 1);
}

TEST_F(ElectorTest, StopWithoutTheLeaseIsOverAtOnce) {
    run(a_, now_);
    run(b_, now_);
    b_.stop();
    EXPECT_TRUE(b_.is_over());
    EXPECT_EQ(server_.spec("holderIdentity"), "\"a\"");
}

TEST_F(ElectorTest, StopDuringAWriteGivesBackWhatItGot) {
    auto request = a_.tick(now_, wall());
    a_.on_response(server_.answer(*request), now_);
    request = a_.tick(now_, wall());
    ASSERT_EQ(request->method, Method::Post);
    a_.stop();
    EXPECT_FALSE(a_.is_over());
    a_.on_response(server_.answer(*request), now_);
    EXPECT_FALSE(a_.is_leader(now_));
    run(a_, now_);
    EXPECT_TRUE(a_.is_over());
    EXPECT_EQ(server_.spec("holderIdentity"), "\"\"");
}

TEST_F(ElectorTest, StopWithoutAServerEnds) {
    run(a_, now_);
    a_.stop();
    run(a_, now_, false);
    EXPECT_TRUE(a_.is_over());
}

TEST_F(ElectorTest, MissedRenewalsEndLeading) {
    run(a_, now_);
    run(a_, now_ + 9s, false);
    EXPECT_TRUE(a_.is_leader(now_));
    EXPECT_THAT(a_.fault(), HasSubstr("Lease ops/penstock-operator: refused"));
    run(a_, now_ + 1s, false);
    EXPECT_FALSE(a_.is_leader(now_));
    run(a_, now_ + 5s);  // nobody else has taken it: the same epoch goes on
    EXPECT_TRUE(a_.is_leader(now_));
    EXPECT_EQ(server_.spec("leaseTransitions"), std::to_string(a_.epoch() - 1));
}

TEST_F(ElectorTest, DeadlineCountsFromWhenTheRenewalWasSent) {
    auto request = a_.tick(now_, wall());
    a_.on_response(server_.answer(*request), now_);
    request = a_.tick(now_, wall());
    const Response answer = server_.answer(*request);
    now_ += 9s;  // the answer was slow
    a_.on_response(answer, now_);
    EXPECT_TRUE(a_.is_leader(now_));
    EXPECT_FALSE(a_.is_leader(now_ + 1s));
}

TEST_F(ElectorTest, StolenLeaseIsNoticedAtTheNextRenewal) {
    run(a_, now_);
    const auto epoch = a_.epoch();
    (*server_.lease)["spec"]["holderIdentity"] = "thief";
    (*server_.lease)["metadata"]["resourceVersion"] = "999";
    run(a_, now_ + 2s);
    EXPECT_FALSE(a_.is_leader(now_));
    EXPECT_EQ(a_.holder(), "thief");
    run(a_, now_ + 20s);
    EXPECT_TRUE(a_.is_leader(now_));
    EXPECT_EQ(a_.epoch(), epoch + 1);
}

TEST_F(ElectorTest, ForeignEditOfTheLeaseDoesNotEndLeading) {
    run(a_, now_);
    (*server_.lease)["metadata"]["resourceVersion"] = "999";
    run(a_, now_ + 2s);
    EXPECT_TRUE(a_.is_leader(now_));
}

TEST_F(ElectorTest, DeletedLeaseIsMadeAnewWithAHigherEpoch) {
    run(a_, now_);
    run(b_, now_);
    const auto epoch = a_.epoch();
    now_ += 1s;
    server_.lease.reset();
    run(b_, now_ + 5s);
    EXPECT_TRUE(b_.is_leader(now_));
    EXPECT_GT(b_.epoch(), epoch);
    run(a_, now_);
    EXPECT_FALSE(a_.is_leader(now_));
}

TEST_F(ElectorTest, WriteWithoutAnAnswerIsLookedAt) {
    auto request = a_.tick(now_, wall());
    a_.on_response(server_.answer(*request), now_);
    request = a_.tick(now_, wall());
    server_.answer(*request);  // made, but the answer is lost
    a_.on_response({0, "reset", {}, ""}, now_);
    EXPECT_FALSE(a_.is_leader(now_));
    run(a_, now_ + 5s);
    EXPECT_TRUE(a_.is_leader(now_));
    EXPECT_EQ(server_.spec("leaseTransitions"), std::to_string(a_.epoch() - 1));
}

TEST_F(ElectorTest, GarbageIsAFault) {
    for (const char* body : {"", "[]", "{}", R"({"metadata":{}})"}) {
        Elector elector(settings("a"));
        const auto request = elector.tick(now_, wall());
        ASSERT_TRUE(request);
        elector.on_response({200, "", {}, body}, now_);
        EXPECT_FALSE(elector.is_leader(now_));
        EXPECT_THAT(elector.fault(), HasSubstr("no Lease"));
        EXPECT_GE(*elector.next(), now_ + 2s);
    }
}

TEST_F(ElectorTest, NamespaceThatIsMissingIsNotAskedInATurn) {
    auto request = a_.tick(now_, wall());
    a_.on_response(LeaseServer::refusal(404, "NotFound"), now_);
    request = a_.tick(now_, wall());
    ASSERT_EQ(request->method, Method::Post);
    a_.on_response(LeaseServer::refusal(404, "NotFound"), now_);
    EXPECT_GE(*a_.next(), now_ + 2s);
    EXPECT_NE(a_.fault(), "");
}

}  // namespace
}  // namespace penstock::runtime
