#include "operator/kube/log.hpp"

#include "crds/api/document.hpp"

#include <memory>
#include <string>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>

namespace penstock::kube {

namespace {

// The message as a JSON string.
class JsonMessage : public spdlog::custom_flag_formatter {
 public:
    void format(const spdlog::details::log_msg& line, const std::tm&, spdlog::memory_buf_t& out)
        override {
        const std::string text(line.payload.data(), line.payload.size());
        const std::string json = api::to_json_text(api::Document(text));
        out.append(json.data(), json.data() + json.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<JsonMessage>();
    }
};

}  // namespace

void log_as_json() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})"
    );
    spdlog::default_logger()->set_formatter(std::move(formatter));
}

}  // namespace penstock::kube
