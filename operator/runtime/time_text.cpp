#include "operator/runtime/time_text.hpp"

namespace penstock::runtime {
namespace {

std::string digits(long long value, std::size_t width) {
    std::string text = std::to_string(value);
    if (text.size() < width) text.insert(0, width - text.size(), '0');
    return text;
}

}  // namespace

std::string to_time(WallTime time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<seconds>(time - day));
    return digits(static_cast<int>(date.year()), 4) + "-" +
           digits(static_cast<unsigned>(date.month()), 2) + "-" +
           digits(static_cast<unsigned>(date.day()), 2) + "T" + digits(clock.hours().count(), 2) +
           ":" + digits(clock.minutes().count(), 2) + ":" + digits(clock.seconds().count(), 2) +
           "Z";
}

std::string to_micro_time(WallTime time) {
    using namespace std::chrono;
    const auto part = floor<microseconds>(time) - floor<seconds>(time);
    std::string text = to_time(time);
    text.pop_back();
    return text + "." + digits(part.count(), 6) + "Z";
}

}  // namespace penstock::runtime
