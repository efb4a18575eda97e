// Builds documents from the events of one YAML text, within limits. Used by read() alone; throws
// YAML::ParserException with the place of a fault, which read() catches.
#pragma once

#include "crds/yaml/yaml.hpp"

#include <map>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>

namespace penstock::yaml {

class Builder : public YAML::EventHandler {
 public:
    explicit Builder(const ReadLimits& limits) : limits_(limits) {}

    std::vector<api::Document>& documents() { return documents_; }

    void OnDocumentStart(const YAML::Mark& mark) override;
    void OnDocumentEnd() override;
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        const std::string& value
    ) override;
    void OnSequenceStart(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        YAML::EmitterStyle::value style
    ) override;
    void OnSequenceEnd() override;
    void OnMapStart(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        YAML::EmitterStyle::value style
    ) override;
    void OnMapEnd() override;

 private:
    // An object or list whose end has not come.
    struct Open {
        api::Document value;
        YAML::anchor_t anchor;
        std::size_t nodes_before;  // of the whole text, when it began
        bool has_key = false;      // an object whose next value belongs to `key`
        std::string key;
    };
    struct Anchored {
        api::Document value;
        std::size_t nodes;
    };

    void count(const YAML::Mark& mark, std::size_t nodes);
    void open(
        const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, api::Document empty
    );
    void close();
    void take_scalar(
        const YAML::Mark& mark, YAML::anchor_t anchor, api::Document value, const std::string& text
    );
    void take_key(const YAML::Mark& mark, const std::string& text);
    void add(api::Document value);
    bool wants_key() const;

    const ReadLimits limits_;
    std::size_t nodes_ = 0;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    api::Document root_;
    std::vector<api::Document> documents_;
};

}  // namespace penstock::yaml
