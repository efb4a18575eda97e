#include "operator/host/state_folder.hpp"

#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <optional>

#include <gmock/gmock.h>
#include <unistd.h>

namespace penstock::host {
namespace {

TEST(StateFolder, SecondOperatorIsToldWhoHasIt) {
    const TemporaryFolder folder;
    const auto first = StateFolder::open(folder / "state");
    ASSERT_TRUE(first) << api::to_string(first.error());
    const auto second = StateFolder::open(folder / "state");
    ASSERT_FALSE(second);
    EXPECT_THAT(
        api::to_string(second.error()),
        testing::HasSubstr("in use by the operator with pid " + std::to_string(::getpid()) + ";")
    );
}

TEST(StateFolder, IsFreeAgainWhenItsOperatorEnds) {
    const TemporaryFolder folder;
    { ASSERT_TRUE(StateFolder::open(folder / "state")); }
    EXPECT_TRUE(StateFolder::open(folder / "state"));
}

TEST(StateFolder, EpochRisesWithEachStart) {
    const TemporaryFolder folder;
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
        auto state = StateFolder::open(folder / "state");
        ASSERT_TRUE(state);
        EXPECT_EQ(state->next_epoch().value(), epoch);
    }
}

TEST(StateFolder, DamagedEpochIsNotTakenForTheFirst) {
    const TemporaryFolder folder;
    auto state = StateFolder::open(folder / "state");
    ASSERT_TRUE(state);
    ASSERT_TRUE(replace_file(folder / "state/epoch", "?", FileMode::Public));
    EXPECT_FALSE(state->next_epoch());
}

}  // namespace
}  // namespace penstock::host
