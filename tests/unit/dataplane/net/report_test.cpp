#include "dataplane/net/report.hpp"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

using namespace std::chrono_literals;

TEST(Report, AddsUpAllWorkers) {
    proxy::Metrics first;
    proxy::Metrics second;
    first.queries.add(3);
    second.queries.add(4);
    first.servers_idle.set(2);
    second.servers_busy.set(5);
    first.wait.add(1ms);
    second.wait.add(1ms);
    second.wait.add(1h);
    const pool::Board board(2, 10);

    api::Report report;
    count_workers(report, {&first, &second}, board, std::chrono::steady_clock::time_point(10s));

    EXPECT_EQ(report.totals.queries, 7U);
    EXPECT_EQ(report.servers_idle, 2);
    EXPECT_EQ(report.servers_busy, 5);
    EXPECT_EQ(report.servers(), 7);
    ASSERT_EQ(report.wait.counts.size(), api::bucket_count);
    EXPECT_EQ(report.wait.counts.back(), 1U);
    EXPECT_EQ(report.wait.sum_us, 3'600'002'000U);
    EXPECT_EQ(report.oldest_wait_ms, 0);
}

TEST(Report, TheOldestWaitIsThatOfAllWorkers) {
    proxy::Metrics metrics;
    pool::Board board(3, 10);
    board.worker(0).oldest_wait_us = 9'500'000;
    board.worker(2).oldest_wait_us = 8'000'000;
    api::Report report;
    count_workers(report, {&metrics}, board, std::chrono::steady_clock::time_point(10s));
    EXPECT_EQ(report.oldest_wait_ms, 2'000);
}

}  // namespace
}  // namespace penstock::net
