// Draws Vega specifications as Kibana does: {spec, answer, width, height} as JSON on standard input,
// {svg, data, signals, warnings} on standard output.
const vega = require("vega");

const asked = JSON.parse(require("fs").readFileSync(0));
const warnings = [];
const note = (...words) => { warnings.push(words.join(" ")); return logger; };
const logger = { level: () => logger, error: note, warn: note, info: () => logger, debug: () => logger };

// Kibana adds functions of its own to the expression language.
vega.expressionFunction("kibanaAddFilter", () => null);

// Kibana asks for what stands in url, and puts the answer as it is into values.
for (const data of asked.spec.data) {
  if (data.url) {
    delete data.url;
    data.values = asked.answer;
  }
}
const view = new vega.View(vega.parse(asked.spec), { renderer: "none", logger });
view.width(asked.width).height(asked.height);
view.toSVG().then((svg) => {
  const data = Object.fromEntries(asked.spec.data.map(({ name }) => [name, view.data(name)]));
  const names = ["width", "height", ...asked.spec.signals.map(({ name }) => name)];
  const signals = Object.fromEntries(names.map((name) => [name, view.signal(name)]));
  process.stdout.write(JSON.stringify({ svg, data, signals, warnings }));
});
