#include "dataplane/wire/writer.hpp"

#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

using test::bytes;

TEST(MessageWriter, FillsInTheLength) {
    std::string out = "before";
    MessageWriter(out, Backend::DataRow).u16(1).u32(3).bytes("abc").byte('x').c_string("y");
    EXPECT_EQ(out, bytes("beforeD\0\0\0\x10\0\1\0\0\0\3abcxy\0"));
}

TEST(MessageWriter, MessagesFollowEachOther) {
    std::string out;
    write_query(out, "select 1");
    write_sync(out);
    write_terminate(out);
    EXPECT_EQ(out, bytes("Q\0\0\0\x0dselect 1\0S\0\0\0\4X\0\0\0\4"));
}

TEST(MessageWriter, BackendMessages) {
    std::string out;
    write_ready_for_query(out, TransactionStatus::Failed);
    write_parameter_status(out, "TimeZone", "UTC");
    EXPECT_EQ(out, bytes("Z\0\0\0\5ES\0\0\0\x11TimeZone\0UTC\0"));
}

}  // namespace
}  // namespace penstock::wire
