#include "operator/host/manifest_watch.hpp"

#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>

namespace penstock::host {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class ManifestWatchTest : public testing::Test {
 protected:
    void start(std::chrono::milliseconds rescan = 1h) {
        watch_ = ManifestWatch::start(io_, folder_.path(), {10ms, rescan}, [this] {
                     ++changes_;
                     io_.stop();
                 }).value();
    }

    // Whether the watch speaks within the time.
    bool hears_within(std::chrono::milliseconds time) {
        const int before = changes_;
        io_.restart();
        io_.run_for(time);
        return changes_ > before;
    }

    void write(const std::string& name) {
        ASSERT_TRUE(replace_file(folder_ / name, "x", FileMode::Public));
    }

    TemporaryFolder folder_;
    boost::asio::io_context io_{1};
    std::unique_ptr<ManifestWatch> watch_;
    int changes_ = 0;
};

TEST_F(ManifestWatchTest, WrittenReplacedMovedAndRemovedManifestsAreHeard) {
    start();
    write("a.yaml");
    EXPECT_TRUE(hears_within(5s));
    write("a.yaml");
    EXPECT_TRUE(hears_within(5s));
    fs::rename(folder_ / "a.yaml", folder_ / "b.yml");
    EXPECT_TRUE(hears_within(5s));
    fs::remove(folder_ / "b.yml");
    EXPECT_TRUE(hears_within(5s));
}

TEST_F(ManifestWatchTest, LinkToAManifestIsHeard) {
    write("real.txt");
    start();
    fs::create_symlink(folder_ / "real.txt", folder_ / "a.yaml");
    EXPECT_TRUE(hears_within(5s));
}

TEST_F(ManifestWatchTest, OtherFilesAreNot) {
    start();
    write("notes.txt");
    write(".hidden.yaml");
    fs::create_directory(folder_ / ".penstock");
    EXPECT_FALSE(hears_within(100ms));
}

TEST_F(ManifestWatchTest, ManyWritesAreHeardOnce) {
    start();
    for (int i = 0; i < 20; ++i) write("a" + std::to_string(i) + ".yaml");
    EXPECT_TRUE(hears_within(5s));
    EXPECT_FALSE(hears_within(100ms));
}

TEST_F(ManifestWatchTest, RescansWhenNothingIsHeard) {
    start(20ms);
    EXPECT_TRUE(hears_within(5s));
    EXPECT_TRUE(hears_within(5s));
}

TEST_F(ManifestWatchTest, FolderThatIsNotThereIsAnError) {
    const auto watch = ManifestWatch::start(io_, folder_ / "absent", {}, [] {});
    ASSERT_FALSE(watch);
    EXPECT_THAT(api::to_string(watch.error()), testing::HasSubstr("absent"));
}

TEST_F(ManifestWatchTest, ListsManifestsByName) {
    for (const char* name : {"b.yaml", "a.yml", "c.txt", ".d.yaml"}) write(name);
    fs::create_directory(folder_ / "e.yaml");
    EXPECT_THAT(
        manifest_files(folder_.path()).value(),
        testing::ElementsAre(folder_ / "a.yml", folder_ / "b.yaml")
    );
}

}  // namespace
}  // namespace penstock::host
