#include "operator/kube/alarm.hpp"

#include "tests/support/scripted_api.hpp"

#include <optional>

#include <gtest/gtest.h>

namespace penstock::kube {
namespace {

using namespace std::chrono_literals;

class AlarmTest : public ::testing::Test {
 protected:
    boost::asio::io_context io_;
    int rings_ = 0;
    std::optional<Alarm> alarm_{std::in_place, io_, [this] { ++rings_; }};
};

TEST_F(AlarmTest, RingsOnceForTheNewestSetting) {
    alarm_->set_after(1h);
    alarm_->set_after(0s);
    ASSERT_TRUE(test::run_until(io_, [&] { return rings_ > 0; }));
    test::settle(io_);
    EXPECT_EQ(rings_, 1);
}

// The wait is over and its handler stands in line when the owner goes, or sets it anew.
TEST_F(AlarmTest, AWaitThatWasOverFindsNobody) {
    boost::asio::post(io_, [this] { alarm_.reset(); });
    alarm_->set(std::chrono::steady_clock::time_point::min());
    test::settle(io_);
    EXPECT_EQ(rings_, 0);
}

TEST_F(AlarmTest, AWaitThatWasOverDoesNotRingForTheNextOne) {
    boost::asio::post(io_, [this] { alarm_->set_after(1h); });
    alarm_->set(std::chrono::steady_clock::time_point::min());
    test::settle(io_);
    EXPECT_EQ(rings_, 0);
}

}  // namespace
}  // namespace penstock::kube
