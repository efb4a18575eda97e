// Text for terminals as kubectl prints it: aligned columns, ages, words split from field names.
// Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::host {

using Row = std::vector<std::string>;

// Columns three spaces apart; the last one is not padded. Every line ends in a newline.
std::string print_table(const std::vector<Row>& rows);

// "5s", "3m20s", "47m", "5h12m", "30h", "6d2h", "90d", "3y14d": as precise as an age is worth.
std::string print_age(std::chrono::seconds age);

// Seconds since 1970 of "2026-05-01T10:00:00Z" (a fraction is cut off); -1 if it is not such a
// time.
std::int64_t parse_time(std::string_view text);

// "maxServerConnections" -> "Max Server Connections".
std::string title(std::string_view field_name);

}  // namespace penstock::host
