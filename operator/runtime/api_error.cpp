#include "operator/runtime/api_error.hpp"

#include <array>
#include <cstddef>

namespace penstock::runtime {
namespace {

constexpr std::size_t text_max = 500;

std::string text_at(const api::Document& document, const char* key) {
    if (!document.is_object()) return "";
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

bool has_cause(const api::Document& status, std::string_view reason) {
    if (!status.is_object()) return false;
    const auto details = status.find("details");
    if (details == status.end() || !details->is_object()) return false;
    const auto causes = details->find("causes");
    if (causes == details->end() || !causes->is_array()) return false;
    for (const api::Document& cause : *causes)
        if (text_at(cause, "reason") == reason) return true;
    return false;
}

AnswerClass class_of(int code, std::string_view reason) {
    switch (code) {
        case 400:
            return AnswerClass::Invalid;
        case 401:
            return AnswerClass::Unauthorized;
        case 403:
            return AnswerClass::Forbidden;
        case 404:
            return AnswerClass::NotFound;
        case 409:
            return reason == "AlreadyExists" ? AnswerClass::AlreadyExists : AnswerClass::Conflict;
        case 410:
            return AnswerClass::Gone;
        case 408:
        case 429:
            return AnswerClass::TooManyRequests;
        default:
            break;
    }
    if (code >= 500) return AnswerClass::ServerError;
    return code >= 400 ? AnswerClass::Invalid : AnswerClass::Garbage;
}

std::string cut(std::string text) {
    if (text.size() <= text_max) return text;
    std::size_t end = text_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    return text + "...";
}

}  // namespace

std::string_view to_string(AnswerClass answer) {
    constexpr std::array<std::string_view, 13> names{
        "Ok",
        "NotFound",
        "Conflict",
        "AlreadyExists",
        "Gone",
        "TooLargeVersion",
        "Invalid",
        "Forbidden",
        "Unauthorized",
        "TooManyRequests",
        "ServerError",
        "Unreachable",
        "Garbage"};
    return names.at(static_cast<std::size_t>(answer));
}

bool Answer::is_retryable() const {
    return what != AnswerClass::Ok && what != AnswerClass::Invalid &&
           what != AnswerClass::AlreadyExists;
}

Answer read_status(const api::Document& status, int http_status) {
    int code = http_status;
    if (status.is_object()) {
        const auto found = status.find("code");
        if (found != status.end() && found->is_number_integer()) {
            const auto told = found->get<std::int64_t>();
            if (told >= 400 && told < 600) code = static_cast<int>(told);
        }
    }
    const std::string reason = text_at(status, "reason");
    std::string message = text_at(status, "message");
    Answer answer{class_of(code, reason), "", std::nullopt};
    if (reason == "Expired") answer.what = AnswerClass::Gone;
    if (has_cause(status, "ResourceVersionTooLarge") ||
        message.find("Too large resource version") != std::string::npos)
        answer.what = AnswerClass::TooLargeVersion;
    answer.text = std::to_string(code) + (reason.empty() ? "" : " " + reason);
    if (!message.empty()) answer.text += ": " + message;
    answer.text = cut(answer.text);
    return answer;
}

Answer read_answer(const Response& response) {
    if (response.status == 0) {
        const std::string& fault = response.fault;
        return {AnswerClass::Unreachable, fault.empty() ? "no answer" : cut(fault), std::nullopt};
    }
    if (response.ok()) return {};
    const auto document = api::parse_json(response.body);
    const bool is_status = document && text_at(*document, "kind") == "Status";
    Answer answer = read_status(is_status ? *document : api::Document(), response.status);
    if (!is_status && !response.body.empty()) answer.text = cut(answer.text + ": " + response.body);
    answer.retry_after = response.retry_after;
    return answer;
}

Outcome outcome_of(const Answer& answer) {
    if (answer.ok()) return Done{};
    const api::Error error{"", answer.text};
    if (!answer.is_retryable()) return Terminal{error};
    if (answer.retry_after && answer.retry_after->count() > 0) return After{*answer.retry_after};
    return Retry{error};
}

Outcome outcome_of(const Response& response) { return outcome_of(read_answer(response)); }

}  // namespace penstock::runtime
