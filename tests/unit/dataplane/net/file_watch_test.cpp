#include "dataplane/net/file_watch.hpp"

#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <filesystem>

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

namespace fs = std::filesystem;

class FileWatchTest : public ::testing::Test {
 protected:
    // Whether `changed` is called within the time.
    bool is_told(std::chrono::milliseconds within = std::chrono::seconds(10)) {
        told_ = false;
        const auto deadline = std::chrono::steady_clock::now() + within;
        while (!told_ && std::chrono::steady_clock::now() < deadline) {
            context_.run_for(std::chrono::milliseconds(5));
        }
        return told_;
    }

    // Watches from now on; what that alone tells is over.
    void begin(const std::set<std::string>& files) {
        ASSERT_TRUE(watch_.watch(files));
        ASSERT_TRUE(is_told());
    }

    test::TempDir folder_;
    boost::asio::io_context context_;
    bool told_ = false;
    FileWatch watch_{context_, [this] { told_ = true; }};
};

TEST_F(FileWatchTest, SeesAFileWrittenInPlaceReplacedRemovedAndMade) {
    const std::string file = folder_.write("proxy.yaml", "a");
    begin({file});
    folder_.write("proxy.yaml", "b");
    EXPECT_TRUE(is_told());
    fs::rename(folder_.write("proxy.yaml.new", "c"), file);
    EXPECT_TRUE(is_told());
    fs::remove(file);
    EXPECT_TRUE(is_told());
    folder_.write("proxy.yaml", "d");
    EXPECT_TRUE(is_told());
}

// What Kubernetes does: proxy.yaml -> ..data/proxy.yaml, ..data -> ..1, then ..data is replaced.
TEST_F(FileWatchTest, SeesTheSwapOfAMountedVolume) {
    for (const char* name : {"..1", "..2"}) {
        fs::create_directory(folder_.path(name));
        folder_.write(std::string(name) + "/proxy.yaml", name);
    }
    fs::create_directory_symlink("..1", folder_.path("..data"));
    fs::create_symlink("..data/proxy.yaml", folder_.path("proxy.yaml"));
    begin({folder_.path("proxy.yaml")});
    fs::create_directory_symlink("..2", folder_.path("..data_tmp"));
    fs::rename(folder_.path("..data_tmp"), folder_.path("..data"));
    EXPECT_TRUE(is_told());
    EXPECT_EQ(folder_.read("proxy.yaml"), "..2");
}

// Whoever read a file before it was watched learns of what was written in between.
TEST_F(FileWatchTest, TellsOnceForEachFolderThatItBeginsToWatch) {
    const std::string file = folder_.write("proxy.yaml", "a");
    ASSERT_TRUE(watch_.watch({file}));
    EXPECT_TRUE(is_told());
    ASSERT_TRUE(watch_.watch({file}));
    EXPECT_FALSE(is_told(std::chrono::milliseconds(150)));
    fs::rename(folder_.path(), folder_.path() + ".old");
    std::filesystem::create_directory(folder_.path());
    is_told();  // the old one went
    ASSERT_TRUE(watch_.watch({file}));
    EXPECT_TRUE(is_told());
    fs::remove_all(folder_.path() + ".old");
    folder_.write("proxy.yaml", "b");
    EXPECT_TRUE(is_told());
}

TEST_F(FileWatchTest, OtherFilesOfTheFolderAreNobodysBusiness) {
    begin({folder_.write("proxy.yaml", "a")});
    folder_.write("other", "b");
    EXPECT_FALSE(is_told(std::chrono::milliseconds(150)));
}

TEST_F(FileWatchTest, WatchesOnlyWhatWasAskedForLast) {
    const test::TempDir second;
    begin({folder_.write("a", ""), second.write("b", "")});
    ASSERT_TRUE(watch_.watch({second.path("b")}));
    is_told(std::chrono::milliseconds(150));  // the system says that it no longer watches a folder
    folder_.write("a", "1");
    EXPECT_FALSE(is_told(std::chrono::milliseconds(150)));
    second.write("b", "1");
    EXPECT_TRUE(is_told());
    EXPECT_FALSE(watch_.watch({second.path("no such folder/c")}));
}

}  // namespace
}  // namespace penstock::net
