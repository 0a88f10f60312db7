<?php
// The calls of Routee's guides with PHP's streams.
function ask(string $method, string $url, ?string $body, array $headers): array
{
    $http = ['method' => $method, 'header' => $headers, 'content' => $body ?? '', 'timeout' => 20];
    $answer = file_get_contents($url, false, stream_context_create(['http' => $http]));
    if ($answer === false) {
        exit(1);
    }
    return json_decode($answer, true, flags: JSON_THROW_ON_ERROR);
}

$secret = base64_encode(getenv('ROUTEE_APPLICATION_ID') . ':' . getenv('ROUTEE_APPLICATION_SECRET'));
$headers = ["Authorization: Basic $secret", 'Content-Type: application/x-www-form-urlencoded'];
$token = ask('POST', getenv('ROUTEE_AUTH_URL') . '/oauth/token', 'grant_type=client_credentials', $headers)['access_token'];

function call(string $method, string $path, ?array $value = null): array
{
    global $token;
    $headers = ["Authorization: Bearer $token", 'Content-Type: application/json'];
    return ask($method, getenv('ROUTEE_BASE_URL') . $path, $value === null ? null : json_encode($value), $headers);
}

$sms = ['from' => 'ParcelCo', 'to' => '+306970000001', 'body' => 'Your parcel is here', 'label' => 'guide'];
$sent = call('POST', '/sms', $sms)['trackingId'];
echo "sent $sent\n";
echo 'parts ' . call('POST', '/sms/analyze', $sms)['bodyAnalysis']['parts'] . "\n";
echo 'tracked ' . call('GET', "/sms/tracking/single/$sent")[0]['messageId'] . "\n";
$campaign = call('POST', '/sms/campaign', ['from' => 'ParcelCo', 'to' => ['+306970000002', '+306970000003'], 'body' => 'Spring offer']);
echo 'campaign ' . call('GET', '/campaigns/' . $campaign['trackingId'])['totalMessages'] . "\n";
