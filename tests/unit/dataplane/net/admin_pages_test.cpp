#include "dataplane/net/admin_pages.hpp"

#include "crds/api/decode.hpp"
#include "crds/api/document.hpp"

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;

class AdminPagesTest : public ::testing::Test {
 protected:
    AdminResponse put(std::string_view body, std::string_view authorization = "Bearer secret") {
        return answer({"PUT", "/v1/grant", authorization, body}, pages_, door_);
    }
    AdminResponse get(std::string_view target) {
        return answer({"GET", target, "", ""}, pages_, door_);
    }

    Door door_ = Door::All;
    bool is_ready_ = true;
    bool is_newer_ = true;
    std::string token_ = "secret";
    std::vector<api::Grant> taken_;
    AdminPages pages_{
        .why_not_ready = [this] { return std::string(is_ready_ ? "" : "no users file"); },
        .metrics = [] { return std::string("a_metric 1\n"); },
        .report =
            [this] {
                api::Report report;
                report.pool = "shop/orders";
                report.granted = taken_.empty() ? 5 : taken_.back().server_connections;
                return report;
            },
        .take_grant =
            [this](const api::Grant& grant) {
                if (is_newer_) taken_.push_back(grant);
                return is_newer_;
            },
        .token = [this] { return token_; },
    };
};

TEST_F(AdminPagesTest, HealthMetricsAndReport) {
    EXPECT_EQ(get("/healthz").status, 200U);
    EXPECT_EQ(get("/metrics").body, "a_metric 1\n");
    EXPECT_EQ(get("/readyz").status, 200U);
    is_ready_ = false;
    EXPECT_EQ(get("/readyz").status, 503U);
    EXPECT_EQ(get("/readyz?verbose").body, "no users file\n");

    const AdminResponse page = get("/v1/report");
    const auto document = api::parse_json(page.body);
    ASSERT_TRUE(document);
    const auto report = api::decode<api::Report>(*document);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->pool, "shop/orders");
}

TEST_F(AdminPagesTest, AGrantIsTakenAndAnsweredWithTheReport) {
    const AdminResponse page = put(R"({"epoch":1,"sequence":2,"serverConnections":9,"later":1})");
    EXPECT_EQ(page.status, 200U);
    ASSERT_EQ(taken_.size(), 1U);
    EXPECT_EQ(taken_[0].sequence, 2U);
    EXPECT_THAT(page.body, HasSubstr("\"granted\":9"));
}

TEST_F(AdminPagesTest, WrongGrantsChangeNothingAndSayWhy) {
    struct Case {
        const char* body;
        const char* authorization;
        unsigned status;
        const char* says;
    };
    constexpr std::array cases{
        Case{"{}", "", 401, "Bearer"},
        Case{"{}", "Bearer ", 401, "Bearer"},
        Case{"{}", "Bearer secret2", 401, "Bearer"},
        Case{"{}", "Basic secret", 401, "Bearer"},
        Case{"{", "Bearer secret", 400, "JSON"},
        Case{"", "Bearer secret", 400, "JSON"},
        Case{"[]", "Bearer secret", 400, "list"},
        Case{R"({"epoch":"1"})", "Bearer secret", 400, "epoch"},
        Case{R"({"epoch":-1})", "Bearer secret", 400, "epoch"},
        Case{R"({"serverConnections":-1})", "Bearer secret", 400, "serverConnections"},
        Case{R"({"throttle":{"enforced":3}})", "Bearer secret", 400, "throttle.enforced"},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(std::string(each.authorization) + " " + each.body);
        const AdminResponse page = put(each.body, each.authorization);
        EXPECT_EQ(page.status, each.status);
        EXPECT_THAT(page.body, HasSubstr(each.says));
    }
    EXPECT_TRUE(taken_.empty());
}

TEST_F(AdminPagesTest, AllFaultsOfAGrantAreNamed) {
    const AdminResponse page = put(R"({"epoch":"x","serverConnections":-1})");
    EXPECT_THAT(page.body, HasSubstr("epoch"));
    EXPECT_THAT(page.body, HasSubstr("serverConnections"));
}

TEST_F(AdminPagesTest, AnOldGrantIsAConflict) {
    is_newer_ = false;
    EXPECT_EQ(put(R"({"epoch":1,"sequence":1})").status, 409U);
}

TEST_F(AdminPagesTest, WithoutATokenNobodyMayGrant) {
    token_ = "";
    const AdminResponse page = put("{}", "Bearer ");
    EXPECT_EQ(page.status, 401U);
    EXPECT_THAT(page.body, HasSubstr("admin.tokenFile"));
}

TEST_F(AdminPagesTest, OtherPathsAndMethods) {
    EXPECT_EQ(get("/").status, 404U);
    EXPECT_EQ(get("/v1/grant").status, 405U);
    EXPECT_EQ(answer({"PUT", "/metrics", "", ""}, pages_, door_).status, 405U);
    EXPECT_EQ(answer({"HEAD", "/healthz", "", ""}, pages_, door_).status, 200U);
}

TEST_F(AdminPagesTest, WithAGrantsPortTheAdminPortOnlyObserves) {
    door_ = Door::Observations;
    EXPECT_EQ(get("/v1/report").status, 404U);
    EXPECT_THAT(get("/v1/report").body, HasSubstr("admin.grants"));
    EXPECT_EQ(put("{}").status, 404U);
    EXPECT_TRUE(taken_.empty());
    EXPECT_EQ(get("/healthz").status, 200U);
    EXPECT_EQ(get("/metrics").status, 200U);
}

TEST_F(AdminPagesTest, TheGrantsPortHasGrantsAndReportsAndAsksForNoToken) {
    door_ = Door::Grants;
    token_ = "";
    EXPECT_EQ(put(R"({"epoch":1,"sequence":2,"serverConnections":9})", "").status, 200U);
    EXPECT_EQ(taken_.size(), 1U);
    EXPECT_EQ(get("/v1/report").status, 200U);
    EXPECT_EQ(get("/v1/grant").status, 405U);
    for (const char* path : {"/metrics", "/healthz", "/readyz", "/"}) {
        EXPECT_EQ(get(path).status, 404U) << path;
    }
}

}  // namespace
}  // namespace penstock::net
