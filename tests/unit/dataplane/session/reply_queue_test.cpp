#include "dataplane/session/reply_queue.hpp"

#include <string>

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

using wire::Backend;
using Verdict = ReplyQueue::Verdict;

Expected expected(Expect kind) {
    Expected entry;
    entry.kind = kind;
    return entry;
}

ReplyQueue queue_of(std::initializer_list<Expect> kinds) {
    ReplyQueue queue;
    for (const Expect kind : kinds) queue.push(expected(kind));
    return queue;
}

TEST(ReplyQueue, EachReplyBelongsToItsRequest) {
    struct Case {
        Expect kind;
        std::string within;     // replies that do not end it
        std::string completes;  // replies that end it
    };
    const Case cases[]{
        {Expect::Query, "TDCIGHWdc", "Z"},
        {Expect::FunctionCall, "V", "Z"},
        {Expect::Sync, "", "Z"},
        {Expect::Parse, "", "1"},
        {Expect::Bind, "", "2"},
        {Expect::DescribeStatement, "t", "Tn"},
        {Expect::DescribePortal, "", "Tn"},
        {Expect::Execute, "DdcGHW", "CIs"},
        {Expect::Close, "", "3"},
    };
    for (const Case& c : cases) {
        for (const char type : std::string("123CDGHITVWZcdnst")) {
            SCOPED_TRACE(std::to_string(static_cast<int>(c.kind)) + " " + type);
            ReplyQueue queue = queue_of({c.kind, Expect::Sync});
            const ReplyQueue::Match match = queue.match(static_cast<Backend>(type));
            if (c.completes.find(type) != std::string::npos) {
                EXPECT_EQ(match.verdict, Verdict::Completes);
                EXPECT_EQ(queue.size(), 1U);
                EXPECT_EQ(match.entry.kind, c.kind);
            } else {
                const bool is_within = c.within.find(type) != std::string::npos;
                EXPECT_EQ(match.verdict, is_within ? Verdict::Within : Verdict::Unexpected);
                EXPECT_EQ(queue.size(), 2U);
            }
        }
    }
}

TEST(ReplyQueue, KnowsWhetherAllThatIsOwedIsOurs) {
    ReplyQueue queue;
    EXPECT_TRUE(queue.is_all_swallowed());
    Expected ours = expected(Expect::Query);
    ours.is_swallowed = true;
    queue.push(ours);
    EXPECT_TRUE(queue.is_all_swallowed());
    queue.push(expected(Expect::Sync));
    EXPECT_FALSE(queue.is_all_swallowed());
}

TEST(ReplyQueue, NothingIsExpectedOfAnEmptyQueue) {
    ReplyQueue queue;
    EXPECT_EQ(queue.match(Backend::ReadyForQuery).verdict, Verdict::Unexpected);
    std::vector<Expected> skipped;
    EXPECT_EQ(queue.fail(skipped).verdict, Verdict::Unexpected);
}

TEST(ReplyQueue, SeveralSyncsAreAnsweredOneByOne) {
    ReplyQueue queue = queue_of({Expect::Sync, Expect::Sync, Expect::Sync});
    for (std::size_t left = 3; left-- > 0;) {
        EXPECT_EQ(queue.match(Backend::ReadyForQuery).verdict, Verdict::Completes);
        EXPECT_EQ(queue.size(), left);
    }
}

TEST(ReplyQueue, ErrorInsideExtendedQuerySkipsToSync) {
    ReplyQueue queue =
        queue_of({Expect::Parse, Expect::Bind, Expect::Execute, Expect::Sync, Expect::Parse});
    std::vector<Expected> skipped;
    const ReplyQueue::Match match = queue.fail(skipped);
    EXPECT_EQ(match.verdict, Verdict::Completes);
    EXPECT_EQ(match.entry.kind, Expect::Parse);
    ASSERT_EQ(skipped.size(), 3U);
    EXPECT_EQ(skipped.back().kind, Expect::Execute);
    EXPECT_FALSE(queue.skips_to_sync());
    EXPECT_EQ(queue.head().kind, Expect::Sync);
    EXPECT_EQ(queue.size(), 2U);
}

TEST(ReplyQueue, ErrorWithNoSyncBehindItSkipsUntilOneIsSent) {
    ReplyQueue queue = queue_of({Expect::Bind, Expect::Execute});
    std::vector<Expected> skipped;
    queue.fail(skipped);
    EXPECT_TRUE(queue.skips_to_sync());
    EXPECT_TRUE(queue.is_empty());
    queue.push(expected(Expect::Sync));
    EXPECT_FALSE(queue.skips_to_sync());
}

TEST(ReplyQueue, ErrorOfASimpleQueryEndsInReadyForQuery) {
    for (const Expect kind : {Expect::Query, Expect::FunctionCall, Expect::Sync}) {
        ReplyQueue queue = queue_of({kind, Expect::Query});
        std::vector<Expected> skipped;
        EXPECT_EQ(queue.fail(skipped).verdict, Verdict::Within);
        EXPECT_TRUE(skipped.empty());
        EXPECT_EQ(queue.size(), 2U);
        EXPECT_EQ(queue.match(Backend::ReadyForQuery).entry.kind, kind);
    }
}

TEST(ReplyQueue, SyncsBehindACopyInAreNotAnswered) {
    ReplyQueue queue = queue_of({Expect::Execute, Expect::Sync, Expect::Sync});
    queue.copy_in_started();
    EXPECT_TRUE(queue.is_copy_in());
    EXPECT_EQ(queue.size(), 1U);
    queue.push(expected(Expect::Sync));
    EXPECT_EQ(queue.size(), 1U);
    queue.push(expected(Expect::CopyEnd));
    EXPECT_FALSE(queue.is_copy_in());
    queue.push(expected(Expect::Sync));
    EXPECT_EQ(queue.match(Backend::CommandComplete).verdict, Verdict::Completes);
    EXPECT_EQ(queue.match(Backend::ReadyForQuery).verdict, Verdict::Completes);
    EXPECT_TRUE(queue.is_empty());
}

TEST(ReplyQueue, SyncsBehindTheEndOfTheCopyDataAreAnswered) {
    ReplyQueue queue =
        queue_of({Expect::Execute, Expect::Sync, Expect::CopyEnd, Expect::Sync, Expect::Parse});
    queue.copy_in_started();
    EXPECT_FALSE(queue.is_copy_in());
    EXPECT_EQ(queue.match(Backend::CommandComplete).verdict, Verdict::Completes);
    EXPECT_EQ(queue.head().kind, Expect::Sync);
    EXPECT_EQ(queue.size(), 2U);
}

TEST(ReplyQueue, IsUnsyncedWhereNoSyncStandsBehindTheLastExtendedMessage) {
    struct Case {
        std::initializer_list<Expect> kinds;
        bool is_unsynced;
    };
    const Case cases[]{
        {{}, false},
        {{Expect::Query}, false},
        {{Expect::Parse, Expect::Sync}, false},
        {{Expect::Parse}, true},
        {{Expect::Sync, Expect::Bind, Expect::Execute}, true},
        {{Expect::Execute, Expect::CopyEnd, Expect::Sync, Expect::Query}, false},
        {{Expect::Execute, Expect::CopyEnd, Expect::Query}, true},
    };
    for (const Case& c : cases) EXPECT_EQ(queue_of(c.kinds).is_unsynced(), c.is_unsynced);
}

TEST(ReplyQueue, IsOneRequestWhereACancelCanMeetNoOther) {
    struct Case {
        std::initializer_list<Expect> kinds;
        bool is_one;
    };
    const Case cases[]{
        {{}, false},
        {{Expect::Query}, true},
        {{Expect::Query, Expect::Query}, false},
        {{Expect::Parse, Expect::Bind}, false},
        {{Expect::Parse, Expect::Bind, Expect::Execute}, true},
        {{Expect::Parse, Expect::Bind, Expect::Execute, Expect::Sync}, true},
        {{Expect::Execute, Expect::Sync, Expect::Query}, false},
    };
    for (const Case& c : cases) EXPECT_EQ(queue_of(c.kinds).is_one_request(), c.is_one);
}

TEST(ReplyQueue, WhatIsNotFlushedIsUnaskedAtTheEndOfTheStream) {
    ReplyQueue queue = queue_of({Expect::Query, Expect::Parse});
    EXPECT_TRUE(queue.is_unflushed());
    queue.flushed();
    EXPECT_FALSE(queue.is_unflushed());
    Expected entry;
    entry.kind = Expect::Bind;
    queue.push(entry);
    queue.mark_unasked();
    EXPECT_FALSE(queue.match(Backend::ReadyForQuery).entry.is_unasked);
    EXPECT_FALSE(queue.match(Backend::ParseComplete).entry.is_unasked);
    EXPECT_TRUE(queue.match(Backend::BindComplete).entry.is_unasked);
}

TEST(ReplyQueue, AbortIsAnsweredByAnErrorOnly) {
    ReplyQueue queue = queue_of({Expect::Parse, Expect::CopyEnd, Expect::Abort, Expect::Sync});
    EXPECT_EQ(queue.match(Backend::ParseComplete).verdict, Verdict::Completes);
    EXPECT_EQ(queue.match(Backend::ParseComplete).verdict, Verdict::Unexpected);
    std::vector<Expected> skipped;
    EXPECT_EQ(queue.fail(skipped).entry.kind, Expect::Abort);
    EXPECT_EQ(queue.match(Backend::ReadyForQuery).verdict, Verdict::Completes);
}

TEST(ReplyQueue, ErrorEndsACopyIn) {
    ReplyQueue queue = queue_of({Expect::Query});
    queue.copy_in_started();
    std::vector<Expected> skipped;
    EXPECT_EQ(queue.fail(skipped).verdict, Verdict::Within);
    EXPECT_FALSE(queue.is_copy_in());
}

TEST(ReplyQueue, EndOfCopyDataWithNothingBeforeItMarksNothing) {
    ReplyQueue queue = queue_of({Expect::CopyEnd});
    EXPECT_TRUE(queue.is_empty());
    queue = queue_of({Expect::Query, Expect::CopyEnd, Expect::CopyEnd, Expect::Query});
    EXPECT_EQ(queue.match(Backend::ReadyForQuery).verdict, Verdict::Completes);
    EXPECT_EQ(queue.size(), 1U);
    queue.copy_in_started();
    EXPECT_TRUE(queue.is_copy_in()) << "the marks belonged to the query before";
}

TEST(ReplyQueue, GrowsInOrder) {
    ReplyQueue queue;
    for (std::uint32_t i = 0; i < 5; ++i) queue.push(expected(Expect::Sync));
    for (int i = 0; i < 5; ++i) queue.match(Backend::ReadyForQuery);
    for (std::uint32_t i = 0; i < 100; ++i) {
        Expected entry = expected(Expect::Sync);
        entry.owner = i;
        queue.push(entry);
    }
    for (std::uint32_t i = 0; i < 100; ++i)
        EXPECT_EQ(queue.match(Backend::ReadyForQuery).entry.owner, i);
    EXPECT_TRUE(queue.is_empty());
}

TEST(ReplyQueue, ClearForgetsAll) {
    ReplyQueue queue = queue_of({Expect::Query, Expect::Sync});
    queue.copy_in_started();
    queue.clear();
    EXPECT_TRUE(queue.is_empty());
    EXPECT_FALSE(queue.is_copy_in());
    EXPECT_FALSE(queue.skips_to_sync());
}

}  // namespace
}  // namespace penstock::session
