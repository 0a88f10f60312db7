// The calls of Routee's guides with Node's fetch.
const { ROUTEE_BASE_URL: base, ROUTEE_AUTH_URL: auth, ROUTEE_APPLICATION_ID: id, ROUTEE_APPLICATION_SECRET: secret } = process.env;

const ask = async (url, options) => {
  const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
};

const { access_token: token } = await ask(`${auth}/oauth/token`, {
  method: "POST",
  headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
  body: new URLSearchParams({ grant_type: "client_credentials" }),
});
const call = (method, path, value) =>
  ask(`${base}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: value && JSON.stringify(value),
  });

const sms = { from: "ParcelCo", to: "+306970000001", body: "Your parcel is here", label: "guide" };
const { trackingId } = await call("POST", "/sms", sms);
console.log(`sent ${trackingId}`);
console.log(`parts ${(await call("POST", "/sms/analyze", sms)).bodyAnalysis.parts}`);
console.log(`tracked ${(await call("GET", `/sms/tracking/single/${trackingId}`))[0].messageId}`);
const campaign = await call("POST", "/sms/campaign", { from: "ParcelCo", to: ["+306970000002", "+306970000003"], body: "Spring offer" });
console.log(`campaign ${(await call("GET", `/campaigns/${campaign.trackingId}`)).totalMessages}`);
