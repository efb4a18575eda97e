#include "dataplane/net/log.hpp"

#include "crds/api/document.hpp"

#include <gmock/gmock.h>
#include <spdlog/spdlog.h>

namespace penstock::net {
namespace {

using ::testing::EndsWith;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

// The process's logger is put back.
class LogTest : public ::testing::Test {
 protected:
    LogTest() : before_(spdlog::default_logger()) {}
    ~LogTest() override { spdlog::set_default_logger(before_); }

 private:
    std::shared_ptr<spdlog::logger> before_;
};

TEST_F(LogTest, TextIsALineWithItsTimeAndLevel) {
    CaptureStderr();
    set_up_log(api::LogFormat::Text, api::LogLevel::Info);
    spdlog::warn("the disk is full");
    EXPECT_THAT(GetCapturedStderr(), EndsWith("Z warning: the disk is full\n"));
}

TEST_F(LogTest, JsonIsAnObjectWhateverTheMessageHolds) {
    CaptureStderr();
    set_up_log(api::LogFormat::Json, api::LogLevel::Info);
    spdlog::info("a \"quote\", a \\ and\na second line");
    const auto line = api::parse_json(GetCapturedStderr());
    ASSERT_TRUE(line) << api::to_string(line.error());
    EXPECT_EQ((*line)["level"], "info");
    EXPECT_EQ((*line)["message"], "a \"quote\", a \\ and\na second line");
}

TEST_F(LogTest, BelowTheLevelNothingIsSaid) {
    CaptureStderr();
    set_up_log(api::LogFormat::Text, api::LogLevel::Error);
    spdlog::warn("unheard");
    set_log_level(api::LogLevel::Debug);
    spdlog::debug("heard");
    EXPECT_THAT(GetCapturedStderr(), EndsWith("Z debug: heard\n"));
}

}  // namespace
}  // namespace penstock::net
