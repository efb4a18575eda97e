// What an answer of the Kubernetes API means: a class that code decides by, and words for people.
#pragma once

#include "crds/api/document.hpp"
#include "operator/runtime/outcome.hpp"
#include "operator/runtime/request.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::runtime {

enum class AnswerClass : std::uint8_t {
    Ok,
    NotFound,         // the object, its namespace, or the kind itself
    Conflict,         // somebody else wrote first
    AlreadyExists,    // of a create
    Gone,             // the version asked for is compacted away
    TooLargeVersion,  // this API server has not seen that version yet
    Invalid,          // the object or the request is wrong: the same again helps nobody
    Forbidden,        // rights, quota, or a namespace that ends
    Unauthorized,
    TooManyRequests,
    ServerError,
    Unreachable,  // no answer
    Garbage,      // an answer that is not of this API
};

std::string_view to_string(AnswerClass answer);

struct Answer {
    AnswerClass what = AnswerClass::Ok;
    std::string text;  // empty when Ok
    std::optional<std::chrono::seconds> retry_after;

    bool ok() const { return what == AnswerClass::Ok; }
    // The same request may succeed later, without anybody changing it.
    bool is_retryable() const;
};

Answer read_answer(const Response& response);

// Of a Status document, which is also what an ERROR event of a watch carries.
Answer read_status(const api::Document& status, int http_status);

// Done; After, when the server says when; Retry; or Terminal. A create that finds the object there
// is Terminal, as whose object it is must be looked at first.
Outcome outcome_of(const Answer& answer);
Outcome outcome_of(const Response& response);

}  // namespace penstock::runtime
