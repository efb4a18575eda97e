#include "operator/kube/log.hpp"

#include "crds/api/document.hpp"

#include <memory>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

namespace penstock::kube {
namespace {

TEST(Log, EachLineIsAnObject) {
    const auto before = spdlog::default_logger();
    std::ostringstream out;
    const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
    log_as_json();
    const std::string text = "pool \"orders\" \\ line\nand \xff more";
    spdlog::warn("{}", text);
    spdlog::info("second");
    spdlog::set_default_logger(before);

    std::istringstream lines(out.str());
    std::string first;
    std::string second;
    ASSERT_TRUE(std::getline(lines, first) && std::getline(lines, second)) << out.str();
    const auto document = api::parse_json(first);
    ASSERT_TRUE(document) << first;
    EXPECT_EQ(document->at("level"), "warning");
    EXPECT_EQ(document->at("message"), "pool \"orders\" \\ line\nand \xef\xbf\xbd more");
    EXPECT_TRUE(std::regex_match(
        document->at("time").get<std::string>(),
        std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")
    ));
    EXPECT_EQ(api::parse_json(second)->at("message"), "second");
}

}  // namespace
}  // namespace penstock::kube
