#include "operator/domain/demand.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using namespace std::chrono_literals;

struct DemandTest : ::testing::Test {
    Demand demand;
    api::Report report;
    Time now{};

    // A second with so many transactions offered and served, each of so long.
    void second(std::uint64_t offered, std::uint64_t served, double hold_seconds) {
        now += 1s;
        report.totals.transactions_offered += offered;
        report.totals.transactions += served;
        report.totals.hold_us +=
            static_cast<std::uint64_t>(static_cast<double>(served) * hold_seconds * 1e6);
        demand.add(report, now);
    }
};

TEST_F(DemandTest, UnknownBeforeTwoReports) {
    demand.add(report, now);
    EXPECT_EQ(demand.connections(), std::nullopt);
    demand.add(report, now);
    EXPECT_EQ(demand.connections(), std::nullopt);
    second(0, 0, 0);
    EXPECT_EQ(demand.connections(), 0);
}

TEST_F(DemandTest, IsOfferedRateTimesHoldingTime) {
    demand.add(report, now);
    for (int i = 0; i < 20; ++i) second(1000, 1000, 0.02);
    EXPECT_NEAR(*demand.connections(), 20, 0.5);
}

TEST_F(DemandTest, CountsWhatWasRefused) {
    demand.add(report, now);
    for (int i = 0; i < 20; ++i) second(1000, 100, 0.02);
    EXPECT_NEAR(*demand.connections(), 20, 0.5);
}

TEST_F(DemandTest, WaitingClientsCountAtOnceThoughNothingHasEnded) {
    demand.add(report, now);
    second(10, 10, 0.01);
    report.clients_waiting = 390;
    report.servers_busy = 10;
    report.oldest_wait_ms = 100;
    now += 100ms;
    demand.add(report, now);
    EXPECT_GE(*demand.connections(), 390);
    second(0, 0, 0);
    EXPECT_GE(*demand.connections(), 395);
}

TEST_F(DemandTest, HandOverBetweenTwoTransactionsIsNoWant) {
    demand.add(report, now);
    report.clients_waiting = 50;
    report.oldest_wait_ms = 1;
    for (int i = 0; i < 20; ++i) second(1000, 1000, 0.02);
    EXPECT_NEAR(*demand.connections(), 20, 0.5);
}

TEST_F(DemandTest, LongTransactionsCountWhileTheyRun) {
    demand.add(report, now);
    report.servers_busy = 12;
    for (int i = 0; i < 20; ++i) second(0, 0, 0);
    EXPECT_NEAR(*demand.connections(), 12, 0.5);
}

TEST_F(DemandTest, RisesWithinASecondAndFallsWithinFive) {
    demand.add(report, now);
    for (int i = 0; i < 20; ++i) second(100, 100, 0.1);
    second(1000, 1000, 0.1);
    EXPECT_GT(*demand.connections(), 85);
    second(0, 0, 0);
    EXPECT_GT(*demand.connections(), 70);
    for (int i = 0; i < 15; ++i) second(0, 0, 0);
    EXPECT_LT(*demand.connections(), 5);
}

TEST_F(DemandTest, CountersThatGoBackAreNoDemand) {
    second(1000, 1000, 0.02);
    report.totals = {};
    second(0, 0, 0);
    EXPECT_EQ(*demand.connections(), 0);
}

TEST(Want, IsATenthAndTwoDeviationsMore) {
    EXPECT_EQ(want_for(0), 0);
    EXPECT_EQ(want_for(-1), 0);
    EXPECT_EQ(want_for(1), 4);
    EXPECT_EQ(want_for(100), 130);
    EXPECT_EQ(want_for(1e300), 262'143);
}

}  // namespace
}  // namespace penstock::domain
