#include "operator/runtime/writer.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace penstock::runtime {
namespace {

constexpr std::chrono::milliseconds pause_first{250};
constexpr std::chrono::milliseconds pause_most{10'000};

template <class... F>
struct Cases : F... {
    using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;

}  // namespace

Writer::Writer(WriterSettings settings)
    : settings_(settings),
      queue_(settings.backoff),
      bucket_(settings.rate, settings.burst),
      pause_(pause_first, pause_most, settings.seed) {}

void Writer::want(const std::string& key, Write write, Time now) {
    const auto found = wishes_.find(key);
    if (found == wishes_.end()) {
        Wish& wish = wishes_[key];
        wish.write = std::move(write);
        // Dropped while in flight: the queue gives the key when that has ended.
        queue_.add(key, now);
        return;
    }
    Wish& wish = found->second;
    if (wish.write == write) return;
    wish.write = std::move(write);
    if (wish.is_in_flight) {
        wish.is_newer = wish.write != wish.sent;
        return;
    }
    ++counters_.replaced;
    // What failed keeps its turn: a wish that changes all the time does not hurry a server that
    // cannot take it.
    if (!std::exchange(wish.is_refused, false)) return;
    faults_.erase(key);
    queue_.add(key, now);
}

void Writer::drop(const std::string& key) {
    faults_.erase(key);
    const auto found = wishes_.find(key);
    if (found == wishes_.end()) return;
    if (found->second.is_in_flight) {
        abandoned_.insert(key);
    } else if (!abandoned_.contains(key)) {
        queue_.forget(key);
    }
    wishes_.erase(found);
}

std::optional<Writer::Job> Writer::take(Time now) {
    if (in_flight_ >= settings_.in_flight_max) return std::nullopt;
    if (paused_until_ && now < *paused_until_) return std::nullopt;
    if (bucket_.next(now) > now) return std::nullopt;
    auto found = wishes_.end();
    while (found == wishes_.end()) {
        const auto key = queue_.take(now);
        if (!key) return std::nullopt;
        found = wishes_.find(*key);
        if (found == wishes_.end()) queue_.finish(*key, Done{}, now);  // dropped
    }
    bucket_.take(now);
    Wish& wish = found->second;
    wish.is_in_flight = true;
    wish.is_newer = false;
    wish.sent = wish.write;
    ++in_flight_;
    ++counters_.sent;
    return Job{found->first, wish.sent.request};
}

Outcome Writer::judge(const Write& sent, const Answer& answer) const {
    if (sent.done_if_missing && answer.what == AnswerClass::NotFound) return Done{};
    if (sent.done_if_there && answer.what == AnswerClass::AlreadyExists) return Done{};
    return outcome_of(answer);
}

Outcome Writer::finish(const std::string& key, const Response& response, Time now) {
    Answer answer = read_answer(response);
    if (answer.ok() && !response.body.starts_with('{'))
        answer = {AnswerClass::Garbage, "an answer that is no object", std::nullopt};
    const bool is_away =
        answer.what == AnswerClass::Unreachable || answer.what == AnswerClass::TooManyRequests;
    if (!is_away) {
        pause_.reset();
    } else if (!paused_until_ || now >= *paused_until_) {  // else it is news of the same trouble
        const std::chrono::milliseconds told = answer.retry_after.value_or(std::chrono::seconds(0));
        paused_until_ = now + std::max(pause_.next(), told);
    }
    if (abandoned_.erase(key) > 0) {
        --in_flight_;
        queue_.finish(key, Done{}, now);
        return Done{};
    }
    const auto found = wishes_.find(key);
    if (found == wishes_.end() || !found->second.is_in_flight) return Done{};
    --in_flight_;
    Wish& wish = found->second;
    wish.is_in_flight = false;
    const Outcome outcome = judge(wish.sent, answer);
    queue_.finish(key, outcome, now);

    const auto note = [&](bool is_terminal) {
        Fault& fault = faults_[key];
        if (fault.failures++ == 0) fault.since = now;
        fault.text = answer.text;
        fault.is_terminal = is_terminal;
    };
    const bool is_newer = std::exchange(wish.is_newer, false);
    std::visit(
        Cases{
            [&](const Done&) {
                ++counters_.done;
                faults_.erase(key);
                if (is_newer) {
                    queue_.add(key, now);
                } else {
                    wishes_.erase(found);
                }
            },
            [&](const After&) {
                ++counters_.retried;
                note(false);
            },
            [&](const Retry&) {
                ++counters_.retried;
                note(false);
            },
            [&](const Terminal&) {
                ++counters_.terminal;
                note(!is_newer);
                wish.is_refused = !is_newer;
                if (is_newer) queue_.add(key, now);
            }},
        outcome
    );
    return outcome;
}

std::optional<Writer::Time> Writer::next(Time now) {
    if (in_flight_ >= settings_.in_flight_max) return std::nullopt;
    auto due = queue_.next();
    if (!due) return std::nullopt;
    if (paused_until_) due = std::max(*due, *paused_until_);
    return std::max(*due, bucket_.next(now));
}

}  // namespace penstock::runtime
