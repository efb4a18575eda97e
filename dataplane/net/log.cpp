#include "dataplane/net/log.hpp"

#include "crds/api/document.hpp"

#include <memory>
#include <string>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace penstock::net {
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

void set_up_log(api::LogFormat format, api::LogLevel level) {
    auto logger = std::make_shared<spdlog::logger>(
        "penstock-proxy", std::make_shared<spdlog::sinks::stderr_sink_mt>()
    );
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    if (format == api::LogFormat::Json) {
        formatter->add_flag<JsonMessage>('*').set_pattern(
            R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})"
        );
    } else {
        formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l: %v");
    }
    logger->set_formatter(std::move(formatter));
    spdlog::set_default_logger(std::move(logger));
    set_log_level(level);
}

void set_log_level(api::LogLevel level) {
    switch (level) {
        case api::LogLevel::Debug:
            spdlog::set_level(spdlog::level::debug);
            break;
        case api::LogLevel::Info:
            spdlog::set_level(spdlog::level::info);
            break;
        case api::LogLevel::Warning:
            spdlog::set_level(spdlog::level::warn);
            break;
        case api::LogLevel::Error:
            spdlog::set_level(spdlog::level::err);
            break;
    }
}

}  // namespace penstock::net
