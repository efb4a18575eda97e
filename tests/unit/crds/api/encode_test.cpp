#include "crds/api/encode.hpp"

#include "crds/api/dataplane_config.hpp"
#include "crds/api/decode.hpp"
#include "crds/api/grant.hpp"
#include "tests/unit/crds/api/samples.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

TEST(Encode, GrantIsCompactJson) {
    const Grant grant{2, 5, 10, Throttle{true, 8, 100, 250}};
    EXPECT_EQ(
        to_json_text(encode(grant)),
        R"({"epoch":2,"sequence":5,"serverConnections":10,"throttle":)"
        R"({"enforced":true,"concurrencyMax":8,"queueLengthMax":100,"queueWaitMaxMs":250}})"
    );
    EXPECT_EQ(
        to_json_text(encode(Grant{1, 1, 4, {}})),
        R"({"epoch":1,"sequence":1,"serverConnections":4})"
    );
}

TEST(Encode, ReportIsReadBackAsItWas) {
    Report report;
    report.pool = "shop/main";
    report.proxy_id = "a1";
    report.epoch = UINT64_MAX;
    report.config_errors = {"limits: is wrong"};
    report.draining = true;
    report.servers_busy = 3;
    report.totals.hold_us = 1'000'000'000'000;
    report.wait.counts = {1, 0, 7};
    report.facts = DatabaseFacts{};
    report.facts->seen["penstock/a1"] = 3;
    report.facts->server_version = 150'020;
    const auto read = decode<Report>(parse_json(to_json_text(encode(report))).value());
    ASSERT_TRUE(read) << to_string(read.error()[0]);
    EXPECT_EQ(*read, report);
}

TEST(Encode, ConfigurationIsReadBackAsItWas) {
    auto config = decode<DataplaneConfig>(samples::config()).value();
    config.queue = Queue{5, 6};
    config.database.monitor = Monitor{"penstock", {}, "/run/password", "postgres"};
    config.clients.tls = ProxyClientTls{ClientTlsMode::Require, "c.pem", "k.pem"};
    EXPECT_EQ(decode<DataplaneConfig>(encode(config)).value(), config);
}

TEST(Encode, AbsentAndEmptyAreLeftOut) {
    const Document report = encode(Report{});
    EXPECT_FALSE(report.contains("facts"));
    EXPECT_FALSE(report.contains("configErrors"));
    EXPECT_TRUE(report.contains("draining"));
}

}  // namespace
}  // namespace penstock::api
