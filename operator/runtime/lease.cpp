#include "operator/runtime/lease.hpp"

#include "crds/api/document.hpp"
#include "operator/runtime/backoff.hpp"
#include "operator/runtime/resource.hpp"

#include <algorithm>
#include <utility>

namespace penstock::runtime {
namespace {

using api::Document;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t duration_seconds_max = 3600;
constexpr seconds year_2020{1'577'836'800};  // since 1970

std::string text_at(const Document& document, const char* key) {
    if (!document.is_object()) return "";
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_at(const Document& document, const char* key) {
    if (!document.is_object()) return 0;
    const auto found = document.find(key);
    return found != document.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::int64_t first_transitions(WallTime wall) {
    const auto since = std::chrono::floor<seconds>(wall.time_since_epoch()) - year_2020;
    return std::clamp<std::int64_t>(since.count(), 0, INT32_MAX / 2);
}

}  // namespace

Elector::Elector(LeaseSettings settings)
    : settings_(std::move(settings)), random_(settings_.seed) {}

Request Elector::read_request() const {
    return {
        Method::Get, resources::leases.object(settings_.name_space, settings_.name), {}, {}, {}};
}

Request Elector::write_request(const Record& record) const {
    Document lease;
    lease["apiVersion"] = resources::leases.api_version();
    lease["kind"] = resources::leases.kind;
    lease["metadata"]["name"] = settings_.name;
    lease["metadata"]["namespace"] = settings_.name_space;
    if (!record.version.empty()) lease["metadata"]["resourceVersion"] = record.version;
    Document& spec = lease["spec"];
    spec["holderIdentity"] = record.holder;
    spec["leaseDurationSeconds"] = record.duration_seconds;
    spec["acquireTime"] = record.acquire_time;
    spec["renewTime"] = record.renew_time;
    spec["leaseTransitions"] = record.transitions;
    const auto& leases = resources::leases;
    if (!record.exists)
        return {
            Method::Post,
            leases.collection(settings_.name_space),
            {},
            "application/json",
            api::to_json_text(lease)};
    return {
        Method::Put,
        leases.object(settings_.name_space, settings_.name),
        {},
        "application/json",
        api::to_json_text(lease)};
}

bool Elector::is_free(Time now) const {
    if (!seen_.exists || seen_.holder.empty() || seen_.holder == settings_.identity) return true;
    const auto lasts = std::clamp<std::int64_t>(seen_.duration_seconds, 1, duration_seconds_max);
    return now >= seen_since_ + seconds(lasts);
}

std::optional<Request> Elector::tick(Time now, WallTime wall) {
    if (is_busy_) return std::nullopt;
    if (is_leading_ && now >= leads_until_) lose();
    if (is_stopping_ ? !holds_ : now < due_) return std::nullopt;
    sent_ = now;
    is_busy_ = true;
    if (!is_known_) {
        step_ = Step::Read;
        return read_request();
    }
    wanted_ = seen_;
    wanted_.renew_time = to_micro_time(wall);
    if (is_stopping_) {
        step_ = Step::Release;
        wanted_.holder.clear();
        wanted_.duration_seconds = 1;
        return write_request(wanted_);
    }
    step_ = Step::Write;
    if (!seen_.exists) {
        wanted_.transitions = first_transitions(wall);
    } else if (seen_.holder != settings_.identity) {
        ++wanted_.transitions;
    }
    if (seen_.holder != settings_.identity || !seen_.exists)
        wanted_.acquire_time = wanted_.renew_time;
    wanted_.holder = settings_.identity;
    wanted_.duration_seconds = std::chrono::duration_cast<seconds>(settings_.duration).count();
    return write_request(wanted_);
}

std::optional<Elector::Record> Elector::record_of(const std::string& body) {
    const auto document = api::parse_json(body);
    if (!document || !document->is_object()) return std::nullopt;
    const auto metadata = document->find("metadata");
    if (metadata == document->end()) return std::nullopt;
    Record record;
    record.exists = true;
    record.version = text_at(*metadata, "resourceVersion");
    if (record.version.empty()) return std::nullopt;
    const auto spec = document->find("spec");
    if (spec == document->end()) return record;
    record.holder = text_at(*spec, "holderIdentity");
    record.duration_seconds = number_at(*spec, "leaseDurationSeconds");
    record.transitions = number_at(*spec, "leaseTransitions");
    record.renew_time = text_at(*spec, "renewTime");
    record.acquire_time = text_at(*spec, "acquireTime");
    return record;
}

// Anything new about the Lease is a sign of life of its holder.
void Elector::see(Record record, Time now) {
    if (record != seen_) seen_since_ = now;
    seen_ = std::move(record);
    is_known_ = true;
    holds_ = seen_.exists && seen_.holder == settings_.identity;
    if (!holds_) lose();
}

void Elector::lose() { is_leading_ = false; }

void Elector::again(Time now) {
    const double longer = is_leading_ ? 0.0 : draw(random_) * settings_.jitter;
    due_ = now + milliseconds(static_cast<milliseconds::rep>(
                     static_cast<double>(settings_.retry.count()) * (1.0 + longer)
                 ));
}

void Elector::fail(Time now, std::string text) {
    fault_ = "Lease " + settings_.name_space + "/" + settings_.name + ": " + std::move(text);
    is_known_ = false;                 // the write may have been made all the same: look
    if (is_stopping_) holds_ = false;  // what we hold runs out by itself
    again(now);
}

void Elector::on_response(const Response& response, Time now) {
    if (!is_busy_) return;
    is_busy_ = false;
    const Answer answer = read_answer(response);
    if (step_ == Step::Read) {
        if (answer.what == AnswerClass::NotFound) {
            see({}, now);
        } else if (!answer.ok()) {
            return fail(now, answer.text);
        } else if (auto record = record_of(response.body)) {
            see(std::move(*record), now);
        } else {
            return fail(now, "the server's answer is no Lease");
        }
        fault_.clear();
        if (is_free(now)) {
            due_ = now;
        } else {
            is_known_ = false;
            again(now);
        }
        return;
    }
    const bool is_deleted = answer.what == AnswerClass::NotFound && wanted_.exists;
    if (is_deleted || answer.what == AnswerClass::Conflict ||
        answer.what == AnswerClass::AlreadyExists) {
        if (is_deleted) lose();
        if (step_ == Step::Release) holds_ = false;
        is_known_ = false;  // somebody else wrote: look, at once
        fault_.clear();
        due_ = now;
        return;
    }
    if (!answer.ok()) return fail(now, answer.text);
    const auto record = record_of(response.body);
    if (!record || record->holder != wanted_.holder || record->transitions != wanted_.transitions) {
        lose();
        return fail(now, "the server's answer is not the Lease that was written");
    }
    see(*record, now);
    fault_.clear();
    if (step_ == Step::Write && !is_stopping_) {
        is_leading_ = true;
        leads_until_ = sent_ + settings_.renew_deadline;
        epoch_ = record->transitions + 1;
    }
    again(now);
}

std::optional<Elector::Time> Elector::next() const {
    if (is_busy_ || is_over()) return std::nullopt;
    if (is_stopping_) return Time::min();
    return is_leading_ ? std::min(due_, leads_until_) : due_;
}

void Elector::stop() {
    is_stopping_ = true;
    lose();
}

}  // namespace penstock::runtime
