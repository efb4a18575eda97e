#include "dataplane/wire/bytes.hpp"

#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

TEST(Bytes, NumbersAreInNetworkByteOrder) {
    std::string out;
    append_u32(out, 0x01020304);
    append_u16(out, 0xfffe);
    EXPECT_EQ(out, "\x01\x02\x03\x04\xff\xfe");
    EXPECT_EQ(load_u32(out.data()), 0x01020304U);
    EXPECT_EQ(load_u16(out.data() + 4), 0xfffe);
    store_u32(out, 1, 0xa0b0c0d0);
    EXPECT_EQ(out, "\x01\xa0\xb0\xc0\xd0\xfe");
}

TEST(ByteReader, ReadsFieldsInOrder) {
    const std::string in = test::bytes("\0\0\0\x07\x01\x02xname\0rest");
    ByteReader reader(in);
    EXPECT_EQ(reader.u32(), 7U);
    EXPECT_EQ(reader.u16(), 0x0102);
    EXPECT_EQ(reader.byte(), 'x');
    EXPECT_EQ(reader.c_string(), "name");
    EXPECT_EQ(reader.rest(), "rest");
    EXPECT_FALSE(reader.at_end());
    EXPECT_EQ(reader.take(4), "rest");
    EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, StaysFailedOnceAFieldIsNotThere) {
    const auto fails = [](std::string_view in, auto read) {
        ByteReader reader(in);
        read(reader);
        EXPECT_FALSE(reader.ok());
        EXPECT_FALSE(reader.at_end());
        EXPECT_EQ(reader.rest(), "");
        EXPECT_EQ(reader.byte(), '\0');
        EXPECT_EQ(reader.c_string(), "");
        EXPECT_EQ(reader.u32(), 0U);
        EXPECT_FALSE(reader.ok());
    };
    fails("abc", [](ByteReader& reader) { EXPECT_EQ(reader.u32(), 0U); });
    fails("a", [](ByteReader& reader) { EXPECT_EQ(reader.u16(), 0U); });
    fails("", [](ByteReader& reader) { EXPECT_EQ(reader.byte(), '\0'); });
    fails("no end", [](ByteReader& reader) { EXPECT_EQ(reader.c_string(), ""); });
    fails("abc", [](ByteReader& reader) { EXPECT_EQ(reader.take(4), ""); });
}

TEST(ByteReader, EmptyStringIsAField) {
    ByteReader reader(std::string_view("\0", 1));
    EXPECT_EQ(reader.c_string(), "");
    EXPECT_TRUE(reader.at_end());
}

}  // namespace
}  // namespace penstock::wire
