#include "operator/kube/token_source.hpp"

#include "tests/support/temp_dir.hpp"

#include <filesystem>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using namespace std::chrono_literals;

class TokenSourceTest : public testing::Test {
 protected:
    test::TempDir folder_;
    std::string file_ = folder_.write("token", "one\n");
    TokenSource source_{Material{file_, ""}};
    TokenSource::Time now_{1000s};
};

TEST_F(TokenSourceTest, FileIsReadAgainAfterAMinute) {
    EXPECT_EQ(source_.get(now_), "one");
    folder_.write("token", "two\n");
    EXPECT_EQ(source_.get(now_ + 59s), "one");
    EXPECT_EQ(source_.get(now_ + 60s), "two");
}

TEST_F(TokenSourceTest, RefusedTokenIsReadAgainAtOnce) {
    EXPECT_EQ(source_.get(now_), "one");
    EXPECT_FALSE(source_.refused("one", now_));
    folder_.write("token", "two\n");
    EXPECT_TRUE(source_.refused("one", now_));
    EXPECT_TRUE(source_.refused("one", now_));  // of another request
    EXPECT_EQ(source_.get(now_), "two");
}

TEST_F(TokenSourceTest, FileThatIsGoneLeavesTheLastToken) {
    EXPECT_EQ(source_.get(now_), "one");
    std::filesystem::remove(file_);
    EXPECT_EQ(source_.get(now_ + 60s), "one");
}

TEST_F(TokenSourceTest, FaultsNameTheFile) {
    TokenSource missing(Material{folder_.path("nowhere"), ""});
    ASSERT_FALSE(missing.get(now_));
    EXPECT_EQ(missing.get(now_).error().path, folder_.path("nowhere"));
    TokenSource empty(Material{folder_.write("empty", "\n"), ""});
    EXPECT_THAT(empty.get(now_).error().text, testing::HasSubstr("is empty"));
}

TEST_F(TokenSourceTest, TextIsTheTokenAndNothingIsNone) {
    TokenSource text(Material{"", "three"});
    EXPECT_EQ(text.get(now_), "three");
    EXPECT_FALSE(text.refused("three", now_));
    TokenSource none(Material{});
    EXPECT_EQ(none.get(now_), "");
    EXPECT_FALSE(none.refused("", now_));
}

}  // namespace
}  // namespace penstock::kube
