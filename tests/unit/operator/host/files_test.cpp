#include "operator/host/files.hpp"

#include "tests/unit/operator/host/temporary_folder.hpp"

#include <csignal>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace penstock::host {
namespace {

namespace fs = std::filesystem;

// Files of this process cannot grow above so many bytes while it lives: what a full disk does to
// one who writes.
class FullDisk {
 public:
    explicit FullDisk(rlim_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
    rlimit before_{};
};

TEST(Files, ReplacedFileHoldsTheWholeText) {
    const TemporaryFolder folder;
    ASSERT_TRUE(replace_file(folder / "a", "one", FileMode::Public));
    ASSERT_TRUE(replace_file(folder / "a", "two", FileMode::Public));
    EXPECT_EQ(read_file(folder / "a").value(), "two");
}

TEST(Files, PrivateFileIsForItsOwnerOnly) {
    const TemporaryFolder folder;
    ASSERT_TRUE(replace_file(folder / "token", "x", FileMode::Private));
    struct stat about {};
    ASSERT_EQ(::stat((folder / "token").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST(Files, FailedWriteLeavesTheOldTextAndNothingElse) {
    const TemporaryFolder folder;
    ASSERT_TRUE(replace_file(folder / "a", "old", FileMode::Public));
    api::Result<void> result;
    {
        const FullDisk disk(16);
        result = replace_file(folder / "a", std::string(1000, 'x'), FileMode::Public);
    }
    ASSERT_FALSE(result);
    EXPECT_THAT(api::to_string(result.error()), testing::HasSubstr("cannot be written"));
    EXPECT_EQ(read_file(folder / "a").value(), "old");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Files, MissingFileIsAnErrorThatNamesIt) {
    const TemporaryFolder folder;
    const auto text = read_file(folder / "absent");
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().path, testing::HasSubstr("absent"));
}

TEST(Files, PrivateFolderIsForItsOwnerOnly) {
    const TemporaryFolder folder;
    ASSERT_TRUE(make_folder(folder / "a/b", FileMode::Private));
    EXPECT_EQ(fs::status(folder / "a/b").permissions(), fs::perms::owner_all);
}

TEST(Files, RemovingWhatIsAbsentIsFine) {
    const TemporaryFolder folder;
    EXPECT_TRUE(remove_tree(folder / "absent"));
}

}  // namespace
}  // namespace penstock::host
