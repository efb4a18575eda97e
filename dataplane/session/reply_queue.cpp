#include "dataplane/session/reply_queue.hpp"

#include "crds/api/check.hpp"

#include <algorithm>

namespace penstock::session {
namespace {

using wire::Backend;

using Verdict = ReplyQueue::Verdict;

bool ends_with_ready(Expect kind) {
    return kind == Expect::Query || kind == Expect::FunctionCall || kind == Expect::Sync;
}

constexpr Verdict completes_if(bool fits) {
    return fits ? Verdict::Completes : Verdict::Unexpected;
}
constexpr Verdict within_if(bool fits) { return fits ? Verdict::Within : Verdict::Unexpected; }

// What a reply of this type is to a head of this kind.
Verdict verdict(Backend type, Expect kind) {
    const bool is_describe = kind == Expect::DescribeStatement || kind == Expect::DescribePortal;
    switch (type) {
        case Backend::ReadyForQuery:
            return completes_if(ends_with_ready(kind));
        case Backend::ParseComplete:
            return completes_if(kind == Expect::Parse);
        case Backend::BindComplete:
            return completes_if(kind == Expect::Bind);
        case Backend::CloseComplete:
            return completes_if(kind == Expect::Close);
        case Backend::ParameterDescription:
            return within_if(kind == Expect::DescribeStatement);
        case Backend::RowDescription:
            return kind == Expect::Query ? Verdict::Within : completes_if(is_describe);
        case Backend::NoData:
            return completes_if(is_describe);
        case Backend::CommandComplete:
        case Backend::EmptyQueryResponse:
            return kind == Expect::Query ? Verdict::Within : completes_if(kind == Expect::Execute);
        case Backend::PortalSuspended:
            return completes_if(kind == Expect::Execute);
        case Backend::FunctionCallResponse:
            return within_if(kind == Expect::FunctionCall);
        case Backend::DataRow:
        case Backend::CopyData:
        case Backend::CopyDone:
        case Backend::CopyInResponse:
        case Backend::CopyOutResponse:
        case Backend::CopyBothResponse:
            return within_if(kind == Expect::Query || kind == Expect::Execute);
        default:
            return Verdict::Unexpected;
    }
}

}  // namespace

void ReplyQueue::push(const Expected& entry) {
    // A mark with nothing before it marks nothing. A Sync inside COPY IN is ignored by the server.
    if (entry.kind == Expect::CopyEnd && is_empty()) return;
    if (entry.kind == Expect::CopyEnd) is_copy_in_ = false;
    if (entry.kind == Expect::Sync && is_copy_in_) {
        has_ignored_sync_ = true;
        return;
    }
    if (entry.kind == Expect::Sync) skips_to_sync_ = false;
    if (count_ > mask_) {
        std::vector<Expected> larger(ring_.size() * 2);
        for (std::size_t i = 0; i < count_; ++i) larger[i] = at(i);
        ring_.swap(larger);
        mask_ = ring_.size() - 1;
        first_ = 0;
    }
    ring_[(first_ + count_) & mask_] = entry;
    ++count_;
    unflushed_ = ends_with_ready(entry.kind) ? 0 : unflushed_ + 1;
}

void ReplyQueue::mark_unasked() {
    const std::size_t unflushed = std::min(unflushed_, count_);
    for (std::size_t i = count_ - unflushed; i < count_; ++i)
        ring_[(first_ + i) & mask_].is_unasked = true;
}

ReplyQueue::Match ReplyQueue::match(Backend type) {
    if (is_empty()) return match_late(type);
    if (is_copy_begun_ && head().kind == Expect::Query &&
        (type == Backend::CommandComplete || type == Backend::EmptyQueryResponse))
        end_copy();
    Match match{verdict(type, head().kind), head()};
    if (match.verdict == Verdict::Completes) take_head();
    return match;
}

// A Sync that a COPY was thought to have ignored came behind the COPY's end by error.
ReplyQueue::Match ReplyQueue::match_late(Backend type) {
    if (type != Backend::ReadyForQuery || !is_uncertain() || !skips_to_sync_) return {};
    skips_to_sync_ = false;
    Expected late;
    late.kind = Expect::Sync;
    return {Verdict::Completes, late};
}

ReplyQueue::Match ReplyQueue::fail(std::vector<Expected>& skipped) {
    if (is_empty()) return {};
    const Expected entry = head();
    if (has_ignored_sync_) is_uncertain_ = true;
    is_copy_in_ = false;
    is_copy_begun_ = false;
    has_ignored_sync_ = false;
    if (ends_with_ready(entry.kind)) return {Verdict::Within, entry};
    // Manual, "Extended Query": the backend reads and discards messages until a Sync is reached.
    while (!is_empty() && head().kind != Expect::Sync) {
        skipped.push_back(at(0));
        first_ = (first_ + 1) & mask_;
        --count_;
    }
    skips_to_sync_ = is_empty();
    return {Verdict::Completes, entry};
}

void ReplyQueue::copy_in_started() {
    is_copy_in_ = true;
    is_copy_begun_ = true;
    std::size_t kept = 1;
    std::size_t index = 1;
    for (; index < count_ && at(index).kind != Expect::CopyEnd; ++index) {
        if (at(index).kind == Expect::Sync) {
            has_ignored_sync_ = true;
            continue;
        }
        ring_[(first_ + kept++) & mask_] = at(index);
    }
    if (index < count_) is_copy_in_ = false;  // the client's data has already ended behind it
    for (; index < count_; ++index) ring_[(first_ + kept++) & mask_] = at(index);
    count_ = kept;
}

// One of a simple Query's COPYs has succeeded: its mark, if it is there, is not the next one's.
void ReplyQueue::end_copy() {
    is_copy_in_ = false;
    is_copy_begun_ = false;
    has_ignored_sync_ = false;
    for (std::size_t mark = 1; mark < count_; ++mark) {
        if (at(mark).kind != Expect::CopyEnd) continue;
        for (std::size_t i = mark; i + 1 < count_; ++i) ring_[(first_ + i) & mask_] = at(i + 1);
        --count_;
        return;
    }
}

bool ReplyQueue::is_unsynced() const {
    bool is_unsynced = false;
    for (std::size_t i = 0; i < count_; ++i) {
        const Expect kind = at(i).kind;
        if (kind == Expect::Sync) is_unsynced = false;
        if (kind != Expect::CopyEnd && !ends_with_ready(kind)) is_unsynced = true;
    }
    return is_unsynced;
}

bool ReplyQueue::binds_names() const {
    for (std::size_t i = 0; i < count_; ++i) {
        const Expect kind = at(i).kind;
        const bool is_named = kind == Expect::Bind || kind == Expect::DescribeStatement;
        if (is_named && at(i).version != 0) return true;
    }
    return false;
}

bool ReplyQueue::owes_ready() const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (ends_with_ready(at(i).kind)) return true;
    }
    return false;
}

bool ReplyQueue::is_all_swallowed() const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (!at(i).is_swallowed) return false;
    }
    return true;
}

bool ReplyQueue::is_one_request() const {
    std::size_t requests = 0;
    bool is_execution = false;
    for (std::size_t i = 0; i < count_; ++i) {
        const Expect kind = at(i).kind;
        if (kind == Expect::Execute || kind == Expect::Query || kind == Expect::FunctionCall)
            is_execution = true;
        if (ends_with_ready(kind) && !at(i).is_swallowed) ++requests;
    }
    return is_execution && requests <= 1;
}

void ReplyQueue::clear() {
    first_ = 0;
    count_ = 0;
    unflushed_ = 0;
    is_copy_in_ = false;
    is_copy_begun_ = false;
    has_ignored_sync_ = false;
    is_uncertain_ = false;
    skips_to_sync_ = false;
}

void ReplyQueue::take_head() {
    first_ = (first_ + 1) & mask_;
    --count_;
    is_copy_in_ = false;
    is_copy_begun_ = false;
    has_ignored_sync_ = false;
    while (!is_empty() && head().kind == Expect::CopyEnd) {
        first_ = (first_ + 1) & mask_;
        --count_;
    }
}

}  // namespace penstock::session
