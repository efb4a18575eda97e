#include "operator/domain/account.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using namespace std::chrono_literals;
constexpr Time start{};

api::Report report(
    std::uint64_t epoch, std::uint64_t sequence, std::int32_t granted, std::int32_t servers
) {
    api::Report report;
    report.epoch = epoch;
    report.sequence = sequence;
    report.granted = granted;
    report.servers_idle = servers;
    return report;
}

api::Grant grant(std::uint64_t sequence, std::int32_t connections) {
    return {5, sequence, connections, {}};
}

TEST(Account, UnknownProxyIsChargedItsFloor) {
    EXPECT_EQ(Account{}.charge(0), proxy_floor);
    EXPECT_EQ(Account{}.charge(3), 3);
}

TEST(Account, GrowthIsChargedWhenIssued) {
    Account account;
    account.take(report(5, 1, 4, 4), start);
    account.issue(grant(2, 10), start);
    EXPECT_EQ(account.charge(0), 10);
    EXPECT_EQ(account.expected(), 10);
    EXPECT_EQ(account.granted(), 4);
}

TEST(Account, ReductionIsCreditedWhenAcknowledgedAndGivenBackAndSeen) {
    Account account;
    account.take(report(5, 1, 10, 10), start);
    account.issue(grant(2, 4), start);
    EXPECT_EQ(account.charge(10), 10);
    account.take(report(5, 2, 4, 9), start + 1s);
    EXPECT_EQ(account.charge(10), 10);
    EXPECT_EQ(account.charge(8), 9);
    account.take(report(5, 2, 4, 3), start + 2s);
    EXPECT_EQ(account.charge(7), 7);
    EXPECT_EQ(account.charge(3), 4);
}

TEST(Account, LateGrantMayStillComeIntoForce) {
    Account account;
    account.take(report(5, 1, 4, 4), start);
    account.issue(grant(2, 20), start);
    account.issue(grant(3, 4), start);
    account.take(report(5, 1, 4, 4), start + 1s);
    EXPECT_EQ(account.charge(0), 20);
    EXPECT_EQ(account.expected(), 4);
    account.take(report(5, 3, 4, 4), start + 2s);
    EXPECT_EQ(account.charge(0), 4);
}

TEST(Account, OldReportChangesNothing) {
    Account account;
    account.take(report(5, 3, 4, 4), start + 2s);
    account.take(report(5, 2, 20, 20), start + 3s);
    account.take(report(5, 4, 30, 30), start + 1s);
    EXPECT_EQ(account.charge(0), 4);
}

TEST(Account, InheritedProxyIsFencedByAnAnswerOfThisEpoch) {
    Account account{true};
    EXPECT_FALSE(account.fenced(5));
    account.take(report(4, 9, 7, 7), start);
    EXPECT_FALSE(account.fenced(5));
    account.take(report(5, 1, 7, 7), start);
    EXPECT_TRUE(account.fenced(5));
    EXPECT_TRUE(Account{}.fenced(5));
}

TEST(Account, IssuesAgainWhatDoesNotComeIntoForce) {
    Account account;
    account.take(report(0, 0, 1, 0), start);
    EXPECT_TRUE(account.due(4, {}, start));
    account.issue(grant(1, 4), start);
    EXPECT_FALSE(account.due(4, {}, start + 500ms));
    EXPECT_TRUE(account.due(4, {}, start + 1s));
    EXPECT_TRUE(account.due(5, {}, start));
    EXPECT_TRUE(account.due(4, api::Throttle{}, start));
    account.take(report(5, 1, 4, 0), start + 1s);
    EXPECT_TRUE(account.acknowledged());
    EXPECT_FALSE(account.due(4, {}, start + 1h));
}

TEST(Account, KeepingChangesNothingThatIsExpected) {
    Account account{true};
    account.take(report(4, 9, 7, 7), start);
    EXPECT_TRUE(account.due(Account::keep, {}, start));
    account.issue(grant(1, Account::keep), start);
    EXPECT_EQ(account.expected(), 7);
    EXPECT_EQ(account.charge(0), 7);
    account.take(report(5, 1, 6, 6), start + 1s);
    EXPECT_EQ(account.expected(), 6);
    EXPECT_FALSE(account.due(Account::keep, {}, start + 9s));
}

TEST(Account, ReportThatPassedTheGrantOnItsWayMakesItDueAgain) {
    Account account;
    account.issue(grant(1, 4), start);
    account.take(report(0, 0, 1, 0), start + 100ms);
    EXPECT_TRUE(account.due(4, {}, start + 200ms));
}

}  // namespace
}  // namespace penstock::domain
