// The bytes of a watch, cut anywhere: the lines are the same, and the watch takes whatever they
// say.
#include "crds/api/check.hpp"
#include "operator/runtime/watch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace penstock::runtime;

constexpr std::size_t line_max = 256;

std::vector<std::string> lines_of(std::string_view bytes, std::size_t piece) {
    WatchLines lines(line_max);
    std::vector<std::string> result;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        lines.feed(bytes.substr(at, piece));
        while (const auto line = lines.next()) {
            CHECK(!line->empty() && line->size() <= line_max);
            CHECK(line->find('\n') == std::string_view::npos);
            result.emplace_back(*line);
        }
        if (lines.is_overlong()) break;
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = 1U + data[0];
    CHECK(lines_of(bytes, piece) == lines_of(bytes, bytes.size() + 1));

    const Watch::Time now{};
    Watch watch(WatchSettings{resources::pods, {}, {}, {}, 500, 1});
    watch.tick(now);
    watch.on_list({200, "", {}, R"({"metadata":{"resourceVersion":"1"},"items":[]})"}, now);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const auto actions = watch.on_bytes(bytes.substr(at, piece), now);
        if (actions.empty()) continue;
        CHECK(!watch.fault().empty());
        return 0;
    }
    return 0;
}
