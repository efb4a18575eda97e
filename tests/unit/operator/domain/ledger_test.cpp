#include "operator/domain/ledger.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

ProxyLine line(const std::string& id, std::int32_t granted, std::int32_t want) {
    ProxyLine proxy;
    proxy.id = id;
    proxy.charge = proxy.expected = proxy.target = granted;
    proxy.want = want;
    proxy.active = true;
    return proxy;
}

PoolLine pool(std::vector<ProxyLine> proxies, std::int32_t ceiling = 100) {
    PoolLine pool;
    pool.ceiling = ceiling;
    pool.reserve = 3;
    pool.weight = 100;
    pool.proxies = std::move(proxies);
    return pool;
}

DatabaseLine database(std::int32_t budget, std::vector<PoolLine> pools) {
    DatabaseLine database;
    database.budget = budget;
    database.may_grow = true;
    database.pools = std::move(pools);
    return database;
}

void decide(DatabaseLine& database) {
    set_targets(database);
    settle(database);
}

ProxyLine& at(DatabaseLine& database, std::size_t pool, std::size_t proxy) {
    return database.pools[pool].proxies[proxy];
}

TEST(Ledger, GrowsByDemandWithinTheBudget) {
    DatabaseLine db = database(43, {pool({line("a", 1, 10), line("b", 1, 90)})});
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, 10);
    EXPECT_EQ(at(db, 0, 1).grant, 30);
    EXPECT_EQ(db.free, 0);
}

TEST(Ledger, GrowthWaitsForWhatOthersGiveBack) {
    DatabaseLine db = database(43, {pool({line("a", 35, 5), line("b", 5, 90)})});
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, 5);
    EXPECT_EQ(at(db, 0, 1).target, 35);
    EXPECT_EQ(at(db, 0, 1).grant, std::nullopt);
    // The reduction is acknowledged and half of it is given back.
    at(db, 0, 0).expected = 5;
    at(db, 0, 0).charge = 20;
    decide(db);
    EXPECT_EQ(at(db, 0, 1).grant, 20);
}

TEST(Ledger, MostStarvedGrowsFirst) {
    DatabaseLine db =
        database(43, {pool({line("a", 10, 18), line("b", 2, 60), line("c", 10, 10)})});
    at(db, 0, 2).charge = 26;
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, std::nullopt);
    EXPECT_EQ(at(db, 0, 1).grant, 4);
}

TEST(Ledger, NothingGrowsBeforeAllIsKnown) {
    DatabaseLine db = database(43, {pool({line("a", 1, 10), line("b", 30, 1)})});
    db.may_grow = false;
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, std::nullopt);
    EXPECT_EQ(at(db, 0, 1).grant, 1);
}

TEST(Ledger, SilentProxyKeepsItsGrantAndOthersShareTheRest) {
    DatabaseLine db = database(43, {pool({line("a", 20, 0), line("b", 1, 90)})});
    at(db, 0, 0).active = false;
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, std::nullopt);
    EXPECT_EQ(at(db, 0, 1).grant, 20);
}

TEST(Ledger, GhostsAreCharged) {
    DatabaseLine db = database(43, {pool({line("a", 1, 90)})});
    db.ghosts = 30;
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, 10);
}

TEST(Ledger, LostBudgetShrinksAllAtOnce) {
    DatabaseLine db = database(23, {pool({line("a", 20, 20), line("b", 20, 20)})});
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, 10);
    EXPECT_EQ(at(db, 0, 1).grant, 10);
    EXPECT_LT(db.free, 0);
}

TEST(Ledger, PoolsShareByWeight) {
    DatabaseLine db = database(86, {pool({line("a", 1, 200)}), pool({line("b", 1, 200)})});
    db.pools[1].weight = 300;
    decide(db);
    EXPECT_EQ(db.pools[0].share, 20);
    EXPECT_EQ(db.pools[1].share, 60);
}

TEST(Ledger, PoolCeilingHoldsBesideTheDatabases) {
    DatabaseLine db = database(100, {pool({line("a", 1, 200)}, 13), pool({line("b", 1, 200)})});
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, 10);
    EXPECT_EQ(at(db, 1, 0).grant, 84);
}

TEST(Ledger, MinimumAndFixedSizeAreSpreadOverTheProxies) {
    DatabaseLine db = database(100, {pool({line("a", 1, 1), line("b", 1, 3)})});
    db.pools[0].floor = 10;
    decide(db);
    EXPECT_EQ(*at(db, 0, 0).grant + *at(db, 0, 1).grant, 10);
    db.pools[0].floor = 0;
    db.pools[0].fixed = 21;
    decide(db);
    EXPECT_EQ(*at(db, 0, 0).grant + *at(db, 0, 1).grant, 21);
}

TEST(Ledger, DemandMayAskForNoMoreThanTheSizingMaximum) {
    DatabaseLine db = database(100, {pool({line("a", 1, 90)})});
    db.pools[0].most = 30;
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, 30);
}

TEST(Ledger, SmallDifferencesArePassedOver) {
    DatabaseLine db = database(100, {pool({line("a", 30, 28), line("b", 30, 32)})});
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, std::nullopt);
    EXPECT_EQ(at(db, 0, 1).grant, std::nullopt);
}

TEST(Ledger, SmallDifferencesCountWhenSomebodyWaits) {
    DatabaseLine db = database(100, {pool({line("a", 30, 28), line("b", 30, 32)})});
    at(db, 0, 1).waiting = true;
    decide(db);
    EXPECT_EQ(at(db, 0, 0).grant, 28);
    EXPECT_EQ(at(db, 0, 1).grant, 32);
}

TEST(Ledger, NewProxyStandsInTheReserveUntilOthersMakeRoom) {
    DatabaseLine db = database(43, {pool({line("a", 40, 90), line("b", 1, 90)})});
    decide(db);
    EXPECT_TRUE(at(db, 0, 1).on_reserve);
    EXPECT_EQ(at(db, 0, 1).grant, std::nullopt);
    EXPECT_EQ(at(db, 0, 0).grant, 20);
    EXPECT_EQ(starts_allowed(db), 2);
    EXPECT_EQ(starts_allowed(db.pools[0]), 2);
    at(db, 0, 0).charge = at(db, 0, 0).expected = 20;
    decide(db);
    EXPECT_FALSE(at(db, 0, 1).on_reserve);
    EXPECT_EQ(at(db, 0, 1).grant, 20);
    EXPECT_EQ(starts_allowed(db), 3);
}

TEST(Ledger, OverdrawnBudgetLetsNothingStart) {
    DatabaseLine db = database(20, {pool({line("a", 40, 90)})});
    decide(db);
    EXPECT_EQ(starts_allowed(db), 0);
}

TEST(Ledger, SameDemandGivesTheSameGrants) {
    DatabaseLine db = database(50, {pool({line("a", 1, 90), line("b", 1, 7), line("c", 1, 33)})});
    decide(db);
    for (ProxyLine& proxy : db.pools[0].proxies)
        proxy.charge = proxy.expected = proxy.grant.value_or(proxy.expected);
    decide(db);
    for (const ProxyLine& proxy : db.pools[0].proxies) EXPECT_EQ(proxy.grant, std::nullopt);
}

}  // namespace
}  // namespace penstock::domain
