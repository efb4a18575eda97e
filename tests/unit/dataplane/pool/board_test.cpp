#include "dataplane/pool/board.hpp"

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

TEST(Board, GivesPermitsUpToTheLimit) {
    Board board(1, 2);
    EXPECT_TRUE(board.take_permit());
    EXPECT_TRUE(board.take_permit());
    EXPECT_FALSE(board.take_permit());
    EXPECT_EQ(board.used(), 2);
    board.give_permit();
    EXPECT_TRUE(board.take_permit());
}

TEST(Board, LoweredLimitGivesNoPermitUntilEnoughCameBack) {
    Board board(1, 3);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(board.take_permit());
    board.set_limit(1);
    EXPECT_EQ(board.excess(), 2);
    board.give_permit();
    EXPECT_FALSE(board.take_permit());
    board.give_permit();
    EXPECT_EQ(board.excess(), 0);
    EXPECT_FALSE(board.take_permit());
    board.give_permit();
    EXPECT_TRUE(board.take_permit());
}

TEST(Board, ThoseThatAreGoingAreNoExcess) {
    Board board(2, 3);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(board.take_permit());
    board.set_limit(1);
    board.worker(0).closing = 1;
    EXPECT_EQ(board.excess(), 1);
    board.worker(1).closing = 1;
    EXPECT_EQ(board.excess(), 0);
}

TEST(Board, SumsOverWorkers) {
    Board board(3, 0);
    board.worker(0).clients = 4;
    board.worker(2).clients = 5;
    EXPECT_EQ(board.sum(&Board::Worker::clients), 9);
    EXPECT_EQ(board.workers(), 3U);
    EXPECT_FALSE(board.take_permit());
}

}  // namespace
}  // namespace penstock::pool
