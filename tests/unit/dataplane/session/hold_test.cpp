#include "dataplane/session/hold.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

TEST(Hold, IsEmptyWhenEachReasonIsGone) {
    Hold hold;
    EXPECT_TRUE(hold.is_empty());
    hold.set(HoldReason::Transaction);
    hold.set(HoldReason::Owed);
    hold.set(HoldReason::Owed);
    hold.clear(HoldReason::Owed);
    EXPECT_FALSE(hold.has(HoldReason::Owed));
    EXPECT_TRUE(hold.has(HoldReason::Transaction));
    EXPECT_FALSE(hold.is_empty());
    hold.set(HoldReason::Transaction, false);
    EXPECT_TRUE(hold.is_empty());
}

TEST(Hold, ClearAllForgetsEveryReason) {
    Hold hold;
    for (const HoldReason reason :
         {HoldReason::Session,
          HoldReason::Transaction,
          HoldReason::Owed,
          HoldReason::Unsynced,
          HoldReason::MidMessage}) {
        hold.set(reason);
        EXPECT_TRUE(hold.has(reason));
    }
    hold.clear_all();
    EXPECT_TRUE(hold.is_empty());
}

}  // namespace
}  // namespace penstock::session
