#include "dataplane/wire/frame.hpp"

#include "tests/support/every_split.hpp"
#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

using test::bytes;
using test::message;

TEST(FrameCursor, GivesMessagesInOrder) {
    const std::string chunk = message('Q', bytes("a\0")) + message('S', "") + message('d', "xyz");
    FrameCursor cursor(chunk, 100);
    std::string seen;
    while (!cursor.is_empty()) {
        Frame frame;
        ASSERT_EQ(cursor.next(frame), FrameResult::Whole);
        EXPECT_TRUE(frame.is_whole());
        EXPECT_EQ(frame.all.size(), frame.body.size() + header_bytes);
        seen += frame.type;
        seen += frame.body;
        cursor.take(frame);
    }
    EXPECT_EQ(seen, bytes("Qa\0Sdxyz"));
}

TEST(FrameCursor, ShowsAsMuchOfABodyAsIsThere) {
    const std::string whole = message('D', "0123456789");
    FrameCursor cursor(std::string_view(whole).substr(0, 8), 100);
    Frame frame;
    ASSERT_EQ(cursor.next(frame), FrameResult::Partial);
    EXPECT_EQ(frame.body, "012");
    EXPECT_EQ(frame.missing, 7U);
    cursor.take(frame);
    EXPECT_TRUE(cursor.is_empty());
}

TEST(FrameCursor, NeedsFiveBytesToSayAnything) {
    const std::string whole = message('D', "0");
    for (std::size_t size = 1; size < header_bytes; ++size) {
        Frame frame;
        const FrameCursor cursor(std::string_view(whole).substr(0, size), 100);
        EXPECT_EQ(cursor.next(frame), FrameResult::NeedHeader) << size;
    }
    Frame frame;
    EXPECT_EQ(FrameCursor(whole.substr(0, 5), 100).next(frame), FrameResult::Partial);
    EXPECT_EQ(frame.missing, 1U);
}

TEST(FrameCursor, RefusesImpossibleLengths) {
    struct Case {
        std::string header;
        FrameResult wanted;
    };
    const Case cases[]{
        {bytes("Q\0\0\0\0"), FrameResult::BadLength},
        {bytes("Q\0\0\0\3"), FrameResult::BadLength},
        {bytes("Q\0\0\0\4"), FrameResult::Whole},
        {bytes("Q\0\0\0\x68"), FrameResult::Partial},    // 104 - 4 = the limit
        {bytes("Q\0\0\0\x69"), FrameResult::BadLength},  // one more
        {bytes("Q\x7f\xff\xff\xff"), FrameResult::BadLength},
        {bytes("Q\x80\0\0\4"), FrameResult::BadLength},  // negative to PostgreSQL
        {bytes("Q\xff\xff\xff\xff"), FrameResult::BadLength},
    };
    for (const Case& c : cases) {
        Frame frame;
        EXPECT_EQ(FrameCursor(c.header, 100).next(frame), c.wanted) << c.header;
    }
}

TEST(FrameCursor, SkipLeavesTheNextMessage) {
    const std::string chunk = "tail" + message('Z', "I");
    FrameCursor cursor(chunk, 100);
    cursor.skip(4);
    Frame frame;
    EXPECT_EQ(cursor.next(frame), FrameResult::Whole);
    EXPECT_EQ(frame.type, 'Z');
}

TEST(FrameCursor, FindsTheSameMessagesHoweverTheyArrive) {
    const std::string stream = message('Q', "abc") + message('S', "") + message('d', "0123456789");
    test::for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
        std::string kept;
        std::string seen;
        for (const std::string_view piece : pieces) {
            kept += piece;
            FrameCursor cursor(kept, 100);
            Frame frame;
            while (!cursor.is_empty() && cursor.next(frame) == FrameResult::Whole) {
                seen += frame.type;
                seen += frame.body;
                cursor.take(frame);
            }
            kept = std::string(cursor.rest());
        }
        EXPECT_EQ(seen, "QabcSd0123456789");
        EXPECT_EQ(kept, "");
    });
}

}  // namespace
}  // namespace penstock::wire
