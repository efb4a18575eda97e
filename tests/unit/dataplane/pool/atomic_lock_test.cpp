#include "dataplane/pool/atomic_lock.hpp"

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

TEST(AtomicLock, HoldsTheFlagWhileItLives) {
    std::atomic_flag flag = ATOMIC_FLAG_INIT;
    {
        const AtomicLock lock(flag);
        EXPECT_TRUE(flag.test());
    }
    EXPECT_FALSE(flag.test());
}

}  // namespace
}  // namespace penstock::pool
