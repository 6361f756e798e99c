/** Rules of policies: the typed forms, what IAM stores for them, and back. */
import { createProfile } from "../../client/iam-identity";
import { getPolicy, replacePolicy } from "../../client/iam-policy";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/access-policy";
import { type RuleInputs, policyRuleRule, ruleArgsOf, sameRule, storedRuleOf } from "../../provider/policy-rule";
import { Life, testCloud } from "./cloud";

const DAY = "{{environment.attributes.day_of_week}}";
const TIME = "{{environment.attributes.current_time}}";
const DATE_TIME = "{{environment.attributes.current_date_time}}";
const ATTRIBUTES = "attribute-based-condition:resource:literal-and-wildcard";
const prefix = (value: string): object => ({ key: "{{resource.attributes.prefix}}", operator: "stringEquals", value });

const FORMS: [string, RuleInputs, object][] = [
  [
    "once",
    { pattern: "time-based-conditions:once", startsAt: "2026-12-01T09:00:00Z", endsAt: "2026-12-01T17:00:00+02:00" },
    {
      operator: "and",
      conditions: [
        { key: DATE_TIME, operator: "dateTimeGreaterThanOrEquals", value: "2026-12-01T09:00:00+00:00" },
        { key: DATE_TIME, operator: "dateTimeLessThanOrEquals", value: "2026-12-01T17:00:00+02:00" },
      ],
    },
  ],
  [
    "on one day a week, which is a list too",
    { pattern: "time-based-conditions:weekly:all-day", days: ["monday"] },
    { key: DAY, operator: "dayOfWeekAnyOf", value: ["1+00:00"] },
  ],
  [
    "on some days a week",
    { pattern: "time-based-conditions:weekly:all-day", days: ["saturday", "sunday"], utcOffset: "-05:00" },
    { key: DAY, operator: "dayOfWeekAnyOf", value: ["6-05:00", "7-05:00"] },
  ],
  [
    "at some hours of some days",
    {
      pattern: "time-based-conditions:weekly:custom-hours",
      days: ["monday", "friday"],
      startTime: "09:00",
      endTime: "17:30",
      utcOffset: "+01:00",
    },
    {
      operator: "and",
      conditions: [
        { key: DAY, operator: "dayOfWeekAnyOf", value: ["1+01:00", "5+01:00"] },
        { key: TIME, operator: "timeGreaterThanOrEquals", value: "09:00:00+01:00" },
        { key: TIME, operator: "timeLessThanOrEquals", value: "17:30:00+01:00" },
      ],
    },
  ],
  ["for one attribute", { pattern: ATTRIBUTES, conditions: [{ attribute: "prefix", value: "a" }] }, prefix("a")],
  [
    "for attributes in a single group, which is kept",
    {
      pattern: ATTRIBUTES,
      conditions: [
        {
          operator: "or",
          conditions: [
            { attribute: "prefix", value: "a" },
            { attribute: "path", operator: "stringMatchAnyOf", value: ["x/*", "y/?"] },
          ],
        },
      ],
    },
    {
      operator: "and",
      conditions: [
        {
          operator: "or",
          conditions: [
            prefix("a"),
            { key: "{{resource.attributes.path}}", operator: "stringMatchAnyOf", value: ["x/*", "y/?"] },
          ],
        },
      ],
    },
  ],
  [
    "for an attribute and a group",
    {
      pattern: ATTRIBUTES,
      operator: "or",
      conditions: [
        { attribute: "delimiter", operator: "stringExists", value: false },
        { operator: "and", conditions: [{ attribute: "prefix", value: "b" }] },
      ],
    },
    {
      operator: "or",
      conditions: [
        { key: "{{resource.attributes.delimiter}}", operator: "stringExists", value: false },
        { operator: "and", conditions: [prefix("b")] },
      ],
    },
  ],
];

const cloud = testCloud();
let args: Record<string, unknown>;
beforeAll(async () => {
  const { id: profileId } = await createProfile(cloud.elsewhere, { name: "app" });
  args = { profileId, roles: ["crn:v1:bluemix:public:iam::::role:Viewer"], service: "is" };
});

describe.each(FORMS)("a rule %s", (_name, rule, stored) => {
  it("is valid, stored as IAM wants it, and comes back as it was written", () => {
    expect(policyRuleRule(rule, "rule")).toEqual([]);
    expect(storedRuleOf(rule)).toEqual({ pattern: rule.pattern, rule: stored });
    const back = ruleArgsOf(storedRuleOf(rule));
    expect(back?.pattern).toBe(rule.pattern);
    expect(sameRule(storedRuleOf(back).rule, stored)).toBe(true);
  });

  it("is taken by IAM, changes nothing in the next run, and can be taken off", async () => {
    const life = await new Life(handler).create({ ...args, rule });
    expect(await getPolicy(cloud.elsewhere, life.id)).toMatchObject({ pattern: rule.pattern, rule: stored });
    expect(await life.diff({ ...args, rule })).toMatchObject({ changes: false });
    expect(await life.diff(args)).toMatchObject({ changes: true, replaces: [] });
    await life.update(args);
    expect(await getPolicy(cloud.elsewhere, life.id)).not.toHaveProperty("rule");
    await life.delete();
  });
});

it.each<[string, unknown, string[]]>([
  [
    "no pattern",
    {},
    [
      'rule.pattern: is nothing; must be one of "time-based-conditions:once", "time-based-conditions:weekly:all-day", ' +
        `"time-based-conditions:weekly:custom-hours", "${ATTRIBUTES}"`,
    ],
  ],
  ["no object", "mondays", ['rule: is "mondays"; must be an object with "pattern"']],
  [
    "an end before its start",
    { pattern: "time-based-conditions:once", startsAt: "2026-12-02T00:00:00Z", endsAt: "2026-12-01T00:00:00Z" },
    ['rule.endsAt: is "2026-12-01T00:00:00Z"; must be later than "startsAt", which is "2026-12-02T00:00:00Z"'],
  ],
  [
    "a moment without an offset",
    { pattern: "time-based-conditions:once", startsAt: "2026-02-30T00:00:00Z", endsAt: "2026-13-01T00:00:00Z" },
    [
      'rule.startsAt: is "2026-02-30T00:00:00Z"; there is no such day or time',
      'rule.endsAt: is "2026-13-01T00:00:00Z"; there is no such day or time',
    ],
  ],
  [
    "a moment without an offset and no end",
    { pattern: "time-based-conditions:once", startsAt: "2026-12-02T00:00:00" },
    [
      'rule.startsAt: is "2026-12-02T00:00:00"; must be a moment with an offset from UTC, such as "2026-12-01T09:00:00+01:00"',
      "rule.endsAt: is missing; it is required",
    ],
  ],
  [
    "wrong days and hours",
    {
      pattern: "time-based-conditions:weekly:custom-hours",
      days: ["Mon"],
      startTime: "9:00",
      endTime: "24:00",
      utcOffset: "1",
    },
    [
      'rule.days[0]: is "Mon"; must be one of "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"',
      'rule.startTime: is "9:00"; must be a time such as "09:00"',
      'rule.endTime: is "24:00"; must be a time such as "09:00"',
      'rule.utcOffset: is "1"; must be an offset from UTC such as "+01:00"',
    ],
  ],
  [
    "hours of a rule for whole days",
    { pattern: "time-based-conditions:weekly:all-day", days: ["monday"], startTime: "09:00" },
    ["rule.startTime: is not an argument. Allowed: pattern, days, utcOffset"],
  ],
  [
    "an attribute with a wrong value",
    {
      pattern: ATTRIBUTES,
      conditions: [
        { attribute: "a b", value: ["x"] },
        { operator: "xor", conditions: [] },
      ],
    },
    [
      'rule.conditions[0].attribute: is "a b"; must be the name of a resource attribute',
      'rule.conditions[0].value: is ["x"]; "stringEquals" takes a single value',
      'rule.conditions[1].operator: is "xor"; must be one of "and", "or"',
      "rule.conditions[1].conditions: is []; must have at least 1 entry",
    ],
  ],
  [
    "conditions and values that are null",
    { pattern: ATTRIBUTES, conditions: [null, { attribute: "a", operator: "stringEqualsAnyOf", value: ["x", null] }] },
    [
      "rule.conditions[0]: is missing; leave the entry out instead",
      "rule.conditions[1].value[1]: is missing; leave the entry out instead",
    ],
  ],
])("a rule with %s is refused", (_name, rule, expected) => {
  expect(policyRuleRule(rule, "rule").map(({ property, reason }) => `${property}: ${reason}`)).toEqual(expected);
});

it.each<[string, object, object, boolean]>([
  [
    "the order of conditions",
    { operator: "and", conditions: [prefix("a"), prefix("b")] },
    { operator: "and", conditions: [prefix("b"), prefix("a")] },
    true,
  ],
  [
    "the order of days",
    { key: DAY, operator: "dayOfWeekAnyOf", value: ["1+00:00", "2+00:00"] },
    { key: DAY, operator: "dayOfWeekAnyOf", value: ["2+00:00", "1+00:00"] },
    true,
  ],
  [
    "one day as a text",
    { key: DAY, operator: "dayOfWeekAnyOf", value: ["1+00:00"] },
    { key: DAY, operator: "dayOfWeekAnyOf", value: "1+00:00" },
    true,
  ],
  ["a group of one", { operator: "or", conditions: [prefix("a")] }, prefix("a"), true],
  [
    "how conditions are joined",
    { operator: "and", conditions: [prefix("a"), prefix("b")] },
    { operator: "or", conditions: [prefix("a"), prefix("b")] },
    false,
  ],
  ["a value", prefix("a"), prefix("b"), false],
])("%s is compared by what it means", (_name, a, b, same) => {
  expect(sameRule(a, b)).toBe(same);
});

it("a rule that somebody else changed is seen, in inputs too, and mended", async () => {
  const [, rule] = FORMS[3] ?? [];
  const life = await new Life(handler).create({ ...args, rule });
  const live = await getPolicy(cloud.elsewhere, life.id);
  if (live === undefined) throw new Error("no policy");
  const theirs = storedRuleOf({ pattern: "time-based-conditions:weekly:all-day", days: ["sunday"] });
  await replacePolicy(cloud.elsewhere, life.id, live.etag, { ...live, ...theirs, type: "access" });
  await life.refresh();
  expect(life.inputs.rule).toEqual({
    pattern: "time-based-conditions:weekly:all-day",
    days: ["sunday"],
    utcOffset: "+00:00",
  });
  expect(await life.diff({ ...args, rule })).toMatchObject({ changes: true });
  await life.update({ ...args, rule });
  expect(await getPolicy(cloud.elsewhere, life.id)).toMatchObject(storedRuleOf(rule));
  await life.delete();
});

it("a rule that is not known yet is a change, and no other one", async () => {
  const life = await new Life(handler).create(args);
  const later = { pattern: "time-based-conditions:once", startsAt: UNKNOWN_SENTINEL, endsAt: "2026-12-01T00:00:00Z" };
  expect(await life.diff({ ...args, rule: later })).toMatchObject({ changes: true, replaces: [] });
  await life.delete();
});
