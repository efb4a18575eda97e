#include "operator/host/status_file.hpp"

#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <gmock/gmock.h>

namespace penstock::host {
namespace {

namespace fs = std::filesystem;

TEST(StatusFiles, UnchangedTextIsNotWrittenAgain) {
    const TemporaryFolder folder;
    StatusFiles files(folder / "status");
    files.put("a.yaml", "one");
    files.put("a.yaml", "one");
    EXPECT_EQ(files.writes(), 1U);
    files.put("a.yaml", "two");
    EXPECT_EQ(files.writes(), 2U);
    EXPECT_EQ(read_file(folder / "status/a.yaml").value(), "two");
}

TEST(StatusFiles, TextOfAnEarlierRunIsNotWrittenAgain) {
    const TemporaryFolder folder;
    StatusFiles(folder / "status").put("a.yaml", "one");
    StatusFiles files(folder / "status");
    files.put("a.yaml", "one");
    EXPECT_EQ(files.writes(), 0U);
}

TEST(StatusFiles, WhatCouldNotBeWrittenIsWrittenLater) {
    const TemporaryFolder folder;
    // A file where the folder should be: not even root can write below it.
    ASSERT_TRUE(replace_file(folder / "status", "", FileMode::Public));
    StatusFiles files(folder / "status");
    files.put("a.yaml", "one");
    files.put("a.yaml", "two");
    files.retry();
    EXPECT_EQ(files.failures(), 3U);
    EXPECT_THAT(files.fault(), testing::HasSubstr("status"));

    fs::remove(folder / "status");
    files.retry();
    EXPECT_EQ(files.fault(), "");
    EXPECT_EQ(files.writes(), 1U);
    EXPECT_EQ(read_file(folder / "status/a.yaml").value(), "two");
}

TEST(StatusFiles, RemovedFileIsGone) {
    const TemporaryFolder folder;
    StatusFiles files(folder / "status");
    files.put("a.yaml", "one");
    files.remove("a.yaml");
    EXPECT_FALSE(fs::exists(folder / "status/a.yaml"));
    files.retry();
    EXPECT_FALSE(fs::exists(folder / "status/a.yaml"));
}

}  // namespace
}  // namespace penstock::host
