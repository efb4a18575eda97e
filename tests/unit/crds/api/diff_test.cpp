#include "crds/api/diff.hpp"

#include "crds/api/backpressure.hpp"
#include "crds/api/manifest.hpp"
#include "tests/unit/crds/api/samples.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

ConnectionPoolSpec spec(std::string_view patch = "{}") {
    Document document = samples::pool();
    document["spec"].merge_patch(samples::json(patch));
    return std::get<ConnectionPool>(decode_manifest(document).value()).spec;
}

TEST(Diff, EqualSpecsDoNotDiffer) {
    EXPECT_TRUE(diff(spec(), spec()).empty());
    EXPECT_FALSE(strongest({}).has_value());
}

TEST(Diff, EachFieldHasItsClass) {
    struct Case {
        std::string_view patch;
        std::string_view path;
        Change change;
    };
    for (const Case& each : {
             Case{R"({"replicas": 3})", "replicas", Change::Live},
             Case{R"({"budget": {"weight": 7}})", "budget.weight", Change::Live},
             Case{
                 R"({"budget": {"maxServerConnections": 7}})",
                 "budget.maxServerConnections",
                 Change::Live},
             Case{R"({"timeouts": {"querySeconds": 7}})", "timeouts.querySeconds", Change::Live},
             Case{R"({"poolMode": "Session"})", "poolMode", Change::NewConnections},
             Case{
                 R"({"database": {"tls": {"mode": "Require"}}})",
                 "database.tls.mode",
                 Change::NewConnections},
             Case{R"({"workers": 2})", "workers", Change::Restart},
             Case{R"({"listen": {"port": 5432}})", "listen.port", Change::Restart},
             Case{
                 R"({"clients": {"tls": {"secretRef": {"name": "x"}}}})",
                 "clients.tls",
                 Change::Restart},
             Case{
                 R"({"clients": {"usersSecretRef": {"name": "x"}}})",
                 "clients.usersSecretRef.name",
                 Change::Restart},
             Case{R"({"database": {"host": "other"}})", "database.host", Change::Immutable},
             Case{R"({"database": {"port": 5433}})", "database.port", Change::Immutable},
         }) {
        SCOPED_TRACE(each.patch);
        const std::vector<Difference> expected{{std::string{each.path}, each.change}};
        EXPECT_EQ(diff(spec(), spec(each.patch)), expected);
        EXPECT_EQ(strongest(expected), each.change);
    }
}

TEST(Diff, StrongestClassWins) {
    const auto differences =
        diff(spec(), spec(R"({"replicas": 1, "workers": 1, "poolMode": "Session"})"), "spec");
    EXPECT_EQ(differences.size(), 3U);
    EXPECT_EQ(differences[0].path, "spec.poolMode");
    EXPECT_EQ(strongest(differences), Change::Restart);
}

TEST(Diff, ListsAreOneField) {
    BackpressureSpec before;
    before.target_refs = {{TargetKind::ConnectionPool, "a"}};
    BackpressureSpec after = before;
    after.target_refs.push_back({TargetKind::ConnectionPool, "b"});
    const std::vector<Difference> expected{{"targetRefs", Change::Live}};
    EXPECT_EQ(diff(before, after), expected);
}

TEST(Diff, ImmutableFieldsMayNotChange) {
    const auto errors =
        refused_changes(spec(), spec(R"({"database": {"host": "other"}, "replicas": 5})"), "spec");
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(
        to_string(errors[0]), "spec.database.host: must not change; create a new resource instead"
    );
}

}  // namespace
}  // namespace penstock::api
