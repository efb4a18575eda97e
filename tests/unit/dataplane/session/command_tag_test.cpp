#include "dataplane/session/command_tag.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

TEST(CommandTag, NamesItsCommand) {
    EXPECT_EQ(command_of("SET"), Command::Set);
    EXPECT_EQ(command_of("RESET"), Command::Reset);
    EXPECT_EQ(command_of("COMMIT"), Command::End);
    EXPECT_EQ(command_of("ROLLBACK"), Command::End);
    EXPECT_EQ(command_of("PREPARE"), Command::Prepare);
    EXPECT_EQ(command_of("DEALLOCATE"), Command::Deallocate);
    EXPECT_EQ(command_of("DEALLOCATE ALL"), Command::DeallocateAll);
    EXPECT_EQ(command_of("DISCARD ALL"), Command::DiscardAll);
}

TEST(CommandTag, OfAnyOtherIsOther) {
    for (const std::string_view tag :
         {"",
          "SELECT 1",
          "SELECT 12345",
          "INSERT 0 1",
          "BEGIN",
          "SHOW",
          "PREPARE TRANSACTION",
          "COMMIT PREPARED",
          "ROLLBACK PREPARED",
          "DISCARD TEMP",
          "CREATE TABLE",
          "LOAD",
          "COPY 10",
          "SAVEPOINT",
          "LISTEN"})
        EXPECT_EQ(command_of(tag), Command::Other) << tag;
}

}  // namespace
}  // namespace penstock::session
