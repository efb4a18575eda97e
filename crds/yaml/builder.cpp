#include "crds/yaml/builder.hpp"

#include "crds/yaml/scalar.hpp"

namespace penstock::yaml {

using api::Document;

void Builder::OnDocumentStart(const YAML::Mark&) {
    root_ = nullptr;
    anchors_.clear();
}

void Builder::OnDocumentEnd() {
    if (!root_.is_null()) documents_.push_back(std::move(root_));
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (wants_key()) throw YAML::ParserException(mark, "a key must be a text");
    take_scalar(mark, anchor, nullptr, "");
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (wants_key())
        throw YAML::ParserException(mark, "an alias cannot be a key; write the key out");
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
        throw YAML::ParserException(mark, "an alias cannot repeat what it is part of");
    count(mark, found->second.nodes);
    add(found->second.value);
}

void Builder::OnScalar(
    const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value
) {
    const bool is_text = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!is_text && tag != "?") {
        throw YAML::ParserException(mark, "the tag " + tag + " is not supported; leave it out");
    }
    take_scalar(mark, anchor, is_text ? Document(value) : plain_scalar(value), value);
}

void Builder::OnSequenceStart(
    const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value
) {
    open(mark, tag, anchor, Document::array());
}

void Builder::OnSequenceEnd() { close(); }

void Builder::OnMapStart(
    const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value
) {
    open(mark, tag, anchor, Document::object());
}

void Builder::OnMapEnd() { close(); }

void Builder::count(const YAML::Mark& mark, std::size_t nodes) {
    if (nodes > limits_.nodes - nodes_) {
        throw YAML::ParserException(
            mark,
            "more than " + std::to_string(limits_.nodes) +
                " values; split the file or use fewer aliases"
        );
    }
    nodes_ += nodes;
}

void Builder::open(
    const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Document empty
) {
    if (tag != "?" && !tag.empty()) {
        throw YAML::ParserException(mark, "the tag " + tag + " is not supported; leave it out");
    }
    if (wants_key())
        throw YAML::ParserException(mark, "a key must be a text, not a list or an object");
    if (open_.size() >= limits_.depth) {
        throw YAML::ParserException(
            mark, "nested deeper than " + std::to_string(limits_.depth) + " levels"
        );
    }
    const std::size_t nodes_before = nodes_;
    count(mark, 1);
    open_.push_back({std::move(empty), anchor, nodes_before, false, ""});
}

void Builder::close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != 0) anchors_[done.anchor] = {done.value, nodes_ - done.nodes_before};
    add(std::move(done.value));
}

void Builder::take_scalar(
    const YAML::Mark& mark, YAML::anchor_t anchor, Document value, const std::string& text
) {
    count(mark, 1);
    if (anchor != 0) anchors_[anchor] = {value, 1};
    if (wants_key()) {
        take_key(mark, text);
    } else {
        add(std::move(value));
    }
}

void Builder::take_key(const YAML::Mark& mark, const std::string& text) {
    Open& object = open_.back();
    if (text == "<<")
        throw YAML::ParserException(mark, "merge keys are not supported; write the fields out");
    if (object.value.contains(text)) {
        throw YAML::ParserException(mark, "the key \"" + text + "\" is given twice; remove one");
    }
    // The key is in the object at once, so that a second one is seen even before this one's value
    // ends.
    object.value.emplace(text, nullptr);
    object.key = text;
    object.has_key = true;
}

void Builder::add(Document value) {
    if (open_.empty()) {
        root_ = std::move(value);
        return;
    }
    Open& parent = open_.back();
    if (parent.value.is_array()) {
        parent.value.push_back(std::move(value));
    } else {
        parent.value[parent.key] = std::move(value);
        parent.has_key = false;
    }
}

bool Builder::wants_key() const {
    return !open_.empty() && open_.back().value.is_object() && !open_.back().has_key;
}

}  // namespace penstock::yaml
