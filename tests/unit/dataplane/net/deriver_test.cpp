#include "dataplane/net/deriver.hpp"

#include <future>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(Deriver, DerivesInOrderOnItsOwnThread) {
    Deriver deriver;
    deriver.start();
    std::vector<int> order;
    std::promise<std::thread::id> last;
    for (int i = 0; i < 3; ++i) {
        auto verifier = std::make_shared<const wire::DerivedVerifier>("secret", "salt", 10 + i);
        deriver.derive(verifier, [&order, &last, i, verifier] {
            EXPECT_NE(verifier->ready(), nullptr);
            order.push_back(i);
            if (i == 2) last.set_value(std::this_thread::get_id());
        });
    }
    EXPECT_NE(last.get_future().get(), std::this_thread::get_id());
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(Deriver, EndsWithWorkLeft) {
    Deriver deriver;
    bool was_done = false;
    deriver.derive(
        std::make_shared<const wire::DerivedVerifier>("secret", "salt", 10),
        [&was_done] { was_done = true; }
    );
    deriver.stop();
    EXPECT_FALSE(was_done) << "it was never started";
}

}  // namespace
}  // namespace penstock::net
