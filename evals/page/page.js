"use strict";
// Texts are only ever set as text; nothing of a case is read as markup.
const cases = JSON.parse(document.getElementById("data").textContent);
const filters = document.getElementById("filters");
const list = document.getElementById("list");
const MOST = 400; // a longer list helps nobody
// What a reader would not see, or what turns the line around.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

const node = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
};

const isUnseen = (char) => UNSEEN.test(char);

// A text with its broken places marked (offsets count characters, as Python does) and the unseen made visible.
const shown = (text, found = []) => {
  const box = node("div", null, "text");
  box.dir = "auto";
  const broken = (at) => found.some((one) => one.start !== null && one.start <= at && at < one.end);
  let run = null;
  Array.from(text || "").forEach((char, at) => {
    const kind = isUnseen(char) ? "unseen" : broken(at) ? "broken" : "plain";
    if (kind === "unseen") {
      const code = char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      box.append(node("span", `⟨U+${code}⟩`, "hidden-char"));
      run = null;
    } else if (run && run.kind === kind) {
      run.node.textContent += char;
    } else {
      run = { kind, node: node(kind === "broken" ? "mark" : "span", char) };
      box.append(run.node);
    }
  });
  return box;
};

const violations = (found) => {
  const rows = node("ul", null, "found");
  for (const one of found) {
    const row = node("li", null, one.severity);
    row.append(node("b", one.rule), ` ${one.message || ""}`);
    rows.append(row);
  }
  return found.length ? rows : node("p", "every rule kept", "good");
};

const table = (pairs) => {
  const made = node("table");
  for (const [name, value] of pairs) {
    const row = made.insertRow();
    row.insertCell().textContent = name;
    row.insertCell().textContent = typeof value === "object" ? JSON.stringify(value) : value;
  }
  return made;
};

const told = (data) => Object.entries(data || {}).filter(([, value]) =>
  value !== null && value !== "" && !(typeof value === "object" && Object.keys(value).length === 0));

const folded = (line, data) => {
  const made = node("details");
  made.append(node("summary", line), table(told(data)));
  return made;
};

const readLine = (reading) => [reading.complaint, ...(reading.signals || []), ...(reading.details || []),
  `${Math.round(100 * reading.confidence)} % sure`].join(" · ");

const planLine = (plan) => {
  const remedy = plan.remedy ? [plan.remedy.action, plan.remedy.value, plan.remedy.within] : ["no offer"];
  return [plan.complaint, remedy.filter(Boolean).join(" "), plan.channel && plan.channel.value]
    .filter(Boolean).join(" · ");
};

const open = (one, button) => {
  document.querySelectorAll("#list [aria-current]").forEach((other) => other.removeAttribute("aria-current"));
  button.setAttribute("aria-current", "true");
  const { text, ...about } = one.review;
  const page = document.getElementById("case");
  page.replaceChildren(node("h2", `${one.block} · ${one.id}`));
  if (one.note) page.append(node("p", one.note));
  page.append(node("h2", "review"), shown(text), table(told(about)));
  if (told(one.reading).length) page.append(node("h2", "reading"), folded(readLine(one.reading), one.reading));
  if (told(one.plan).length) page.append(node("h2", "plan"), folded(planLine(one.plan), one.plan));
  one.attempts.forEach((attempt, index) => {
    page.append(node("h2", `draft ${index + 1}`), shown(attempt.draft), violations(attempt.violations || []));
    const { draft, violations: _, ...rest } = attempt;
    page.append(table(told(rest)));
  });
  const state = one.publishable === null ? "" : one.publishable ? ": publishable" : ": a person is needed";
  page.append(node("h2", `${one.source || "text"}${state}`), shown(one.text, one.violations));
  if (one.reasons.length) page.append(node("p", one.reasons.join(", ")));
  page.append(violations(one.violations));
  if (one.labelled) page.append(node("h2", "labelled"), node("p", one.labelled.join(", ") || "nothing"));
  if (told(one.wrong).length) page.append(node("h2", "explanations"), table(told(one.wrong)));
  page.append(node("h2", "scores"), table(Object.entries(one.scores)));
  page.scrollTop = 0;
};

const says = (one) => [one.id, one.review.text, one.text, ...one.attempts.map((attempt) => attempt.draft)]
  .join("\n").toLocaleLowerCase();
const haystack = new Map(cases.map((one) => [one, says(one)]));

const wanted = (one) => {
  const { block, language, complaint, source, rule, says: words } = Object.fromEntries(new FormData(filters));
  return (!block || one.block === block) && (!language || one.language === language)
    && (!complaint || one.complaint === complaint) && (!source || one.source === source)
    && (!rule || one.rules.includes(rule))
    && (!words.trim() || haystack.get(one).includes(words.trim().toLocaleLowerCase()));
};

const filter = () => {
  const found = cases.filter(wanted);
  const more = found.length > MOST ? `, the first ${MOST} listed` : "";
  document.getElementById("count").textContent = `${found.length} of ${cases.length} cases${more}`;
  list.replaceChildren(...found.slice(0, MOST).map((one) => {
    const item = node("li");
    const button = node("button");
    button.type = "button";
    const line = node("span", (one.review.text || "").slice(0, 120), "says");
    line.dir = "auto";
    const about = [one.id, one.complaint, one.source, ...one.rules].filter(Boolean).join(" · ");
    button.append(line, node("small", about));
    button.addEventListener("click", () => open(one, button));
    item.append(button);
    return item;
  }));
};

const choices = {
  block: (one) => [one.block], language: (one) => [one.language], complaint: (one) => [one.complaint],
  source: (one) => [one.source], rule: (one) => one.rules,
};
for (const [name, values] of Object.entries(choices)) {
  const known = [...new Set(cases.flatMap(values))].filter(Boolean).sort();
  filters.elements[name].append(new Option("all", ""), ...known.map((value) => new Option(value, value)));
}
filters.addEventListener("input", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
filter();
